"""The report: one whole HTML file, hostile names harmless, nothing fetched, nothing needed but the file."""

import datetime
import re
from collections.abc import Callable
from html.parser import HTMLParser

import msgspec
import pytest

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.estate import Estate
from polycloud.placement.answer import report
from polycloud.placement.answer.alternatives import Effort
from polycloud.placement.answer.answering import Basis, answer
from polycloud.placement.answer.compare import compare
from polycloud.placement.answer.curve import Sweep, different
from polycloud.placement.answer.report import tables
from polycloud.placement.answer.report.charts import scale, stacked
from polycloud.placement.answer.report.land import ROWS
from polycloud.placement.answer.report.maps import LETTER, WIDTH, world
from polycloud.placement.answer.report.markup import Markup, join, tag
from polycloud.placement.answer.report.style import CSS
from polycloud.placement.answer.values import CurvePoint, LinkAnswer, Placement, SitePoint
from polycloud.placement.problem import Problem
from polycloud.placement.solve import Limits, solve

HOSTILE = "<script>alert('x')</script>\"&\u202e\x00"


class Reader(HTMLParser):
    """Collects tags, attributes and text, and that every tag is closed in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load()


def placed(problem: Problem, catalog: Catalog) -> Placement:
    estate = Estate.model_validate({"estate": "hand-made", "onprem": {"frankfurt": {"country": "DE"}}})
    basis = Basis(estate, catalog, Market.load(), datetime.date(2026, 11, 21))
    return answer(problem, solve(problem), basis, (), Effort(0.0))


def test_hostile_names_are_text(make_problem: Callable[..., Problem], catalog: Catalog) -> None:
    problem = make_problem(3)
    tasks = tuple(
        msgspec.structs.replace(t, name=f"{HOSTILE}{at}", workload=HOSTILE) for at, t in enumerate(problem.tasks)
    )
    items = tuple(msgspec.structs.replace(i, name=f"{HOSTILE}{at}") for at, i in enumerate(problem.items))
    found = placed(msgspec.structs.replace(problem, tasks=tasks, items=items), catalog)
    page = report.page(found, (), compare(found, None, (HOSTILE,), (HOSTILE,)))
    reader = read(page)
    assert "script" not in reader.tags
    assert "alert('x')" in reader.text
    assert "\u202e" not in page and "\x00" not in page


def test_nothing_is_fetched(make_problem: Callable[..., Problem], catalog: Catalog) -> None:
    problem = make_problem(3)
    found = placed(problem, catalog)
    curves = Sweep(problem, solve(problem), Limits(5.0)).curves()
    page = report.page(found, curves)
    reader = read(page)
    assert {name for name, _ in reader.attributes if name.startswith("on")} == set()
    links = [value for name, value in reader.attributes if name in ("src", "href", "xlink:href", "action", "data")]
    assert links
    assert all((value or "").startswith("#") for value in links)
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org)", page)
    targets = {value for name, value in reader.attributes if name == "id"}
    assert {(value or "")[1:] for value in links} <= targets


def test_pictures_say_in_words_what_they_show(make_problem: Callable[..., Problem], catalog: Catalog) -> None:
    problem = make_problem(3)
    page = report.page(placed(problem, catalog), Sweep(problem, solve(problem), Limits(5.0)).curves())
    pictures = re.findall(r"<svg[^>]*>(.*?)</svg>", page, re.S)
    assert len(pictures) == 4
    assert all("<title>" in picture and "<desc>" in picture for picture in pictures)
    assert "prefers-color-scheme:dark" in page


def test_markup_escapes_text_and_attributes_but_not_markup() -> None:
    assert tag("p", "<&>", tag("b", "x"), title='"') == '<p title="&quot;">&lt;&amp;&gt;<b>x</b></p>'
    assert join("a", None, ["<", Markup("<br/>")], 1) == "a&lt;<br/>1"
    assert tag("circle", cx=1.5, stroke_width=2, fill=None) == '<circle cx="1.5" stroke-width="2"/>'


@pytest.mark.parametrize(("low", "high"), [(0, 1), (5, 5), (-3, 1200), (0.001, 0.002), (9e9, 9.1e9)])
def test_ticks_are_round_and_hold_what_is_drawn(low: float, high: float) -> None:
    ticks = scale(low, high)
    assert ticks[0] <= low
    assert ticks[-1] >= high
    assert 2 <= len(ticks) <= 9


def test_the_land_has_the_right_shape() -> None:
    assert {len(row) for row in ROWS} == {36}

    def land(lat: float, lon: float) -> bool:
        row, column = int((82.5 - lat) // 2.5), int((lon + 180) // 2.5)
        return bool(int(ROWS[row], 16) >> (143 - column) & 1)

    for lat, lon in ((48.8, 11.3), (38.8, -98.8), (-23.8, 133.8), (-8.8, -53.8), (23.8, 16.3), (61.3, 98.8)):
        assert land(lat, lon), (lat, lon)
    for lat, lon in ((31.3, -41.3), (-1.3, -151.3), (-31.3, 76.3), (48.8, -171.3)):
        assert not land(lat, lon), (lat, lon)


def test_an_estate_without_work_has_no_section_for_it(make_problem: Callable[..., Problem], catalog: Catalog) -> None:
    found = placed(make_problem(3), catalog)
    none = msgspec.structs.replace(found, workloads=())
    assert [">Where work runs<" in report.page(row) for row in (found, none)] == [True, False]


def test_the_map_fits_a_narrow_screen_with_names_that_can_be_read() -> None:
    near = [("a/one", 50.0, 8.0), ("b/two", 51.0, 9.0), ("c/three", 52.0, 7.0), ("d/far", 40.0, -75.0)]
    drawing = str(world([SitePoint(name, name[0], lat, lon) for name, lat, lon in near], {}, ()))
    assert not any("min-width" in rule for rule in re.findall(r"\.map\{[^}]*\}", CSS))
    shown = {}
    for kind in ("broad", "narrow"):
        group = re.search(rf'<g class="{kind}" font-size="(\d+)">(.*?)</g>', drawing)
        assert group is not None
        size = float(group[1])
        boxes = [
            (float(x), float(y), float(x) + len(name) * size * LETTER, name)
            for x, y, name in re.findall(r'<text x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)<', group[2])
        ]
        assert all(left >= 0 and right <= WIDTH for left, _, right, _ in boxes)
        for at, (left, y, right, _) in enumerate(boxes):
            others = [box for box in boxes[:at] if abs(box[1] - y) < size]
            assert all(right <= box[0] or box[2] <= left for box in others)
        shown[kind] = {name for *_, name in boxes}
    assert "d/far" in shown["narrow"] <= shown["broad"]


def test_bars_are_as_long_as_their_figures() -> None:
    """What promises save is off the bar as well: a bar of more than its figure would stand above a dearer one."""
    bars = stacked([("a", {"compute": 100_000_000, "commitment": -60_000_000}), ("b", {"compute": 80_000_000})])
    assert re.findall(r"width:([\d.]+)%", bars) == ["50.00", "100.00"]


def test_a_fee_that_is_not_stated_is_not_shown_as_nothing(
    make_problem: Callable[..., Problem], catalog: Catalog
) -> None:
    found = placed(make_problem(3), catalog)
    ends = ("aws/us-east-1", "gcp/europe-west1")
    links = (LinkAnswer("vpn-a", "vpn", ends, 0, 0, stated=False), LinkAnswer("stated", "vpn", ends, 0, 0))
    text = read(tables.links(msgspec.structs.replace(found, links=links))).text
    assert "unknown" in text.partition("stated")[0] and "0.00 USD" in text.partition("stated")[2]


def test_a_looser_limit_that_brings_nothing_is_no_point() -> None:
    tight = CurvePoint("at most 2", 5, 5, 13.6, ("aws", "oci"), 879.0, True)
    loose = msgspec.structs.replace(tight, limit="any clouds", latency_ms=6.1, kg_co2e=891.0)
    assert different((tight, loose), "clouds") == (tight,)
    assert different((tight, loose), "carbon") == (tight, loose)
