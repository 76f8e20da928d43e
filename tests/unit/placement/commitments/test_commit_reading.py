"""Usage files: what is right becomes a history, what is wrong a finding with its line."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from polycloud.catalog.market_rows import Offer
from polycloud.core.money import PICO_PER_DOLLAR
from polycloud.placement.commitments.history import HOUR, Spent, from_gateway
from polycloud.placement.commitments.reading import UnreadableUsage, no_prices, read_usage

HEADER = "time,cloud,region,sku,quantity,unit,cost"
START = 1_780_272_000  # 2026-06-01T00:00Z, a Monday
WEEKS = 2 * 168


def stamp(hour: int) -> str:
    day, rest = divmod(hour, 24)
    return f"2026-06-{1 + day:02d}T{rest:02d}:00Z"


def lines(hours: int = WEEKS, row: Callable[[int], str] = lambda hour: "3,machines,6") -> list[str]:
    return [f"{stamp(hour)},aws,us-east-1,m7i.large,{row(hour)}" for hour in range(hours)]


def written(tmp_path: Path, rows: list[str], header: str = HEADER) -> Path:
    file = tmp_path / "usage.csv"
    file.write_text("\n".join([header, *rows]) + "\n", "utf8")
    return file


def price(site: str, machine: str) -> Offer | None:
    known = {("aws/us-east-1", "m7i.large"): 100_000}
    found = known.get((site, machine))
    return (
        Offer(site, machine, 2, 8, "", 0, found, None, None, None, quality="list", sources=("test",)) if found else None
    )


def test_a_file_with_costs_needs_no_prices(tmp_path: Path) -> None:
    found = read_usage(written(tmp_path, lines()), no_prices)
    assert found.diagnostics == ()
    assert found.history is not None
    assert found.history.start == START
    assert found.history.hours == WEEKS
    assert found.history.series[0].micro == (6_000_000,) * WEEKS
    assert found.history.series[0].per_unit == pytest.approx(2_000_000)
    assert found.history.notes == ()


def test_quantities_are_priced_by_the_look_up_and_say_so(tmp_path: Path) -> None:
    found = read_usage(written(tmp_path, lines(row=lambda h: f"{h % 5},machines,")), price)
    assert found.history is not None
    assert found.history.series[0].micro[:5] == (0, 100_000, 200_000, 300_000, 400_000)
    assert found.history.series[0].priced_by.startswith("catalogue: test")


def test_a_price_that_nobody_knows_is_told_once_with_its_first_line(tmp_path: Path) -> None:
    found = read_usage(written(tmp_path, lines(row=lambda h: "1,machines,")), no_prices)
    assert found.history is None
    assert [(d.code, d.place.line) for d in found.diagnostics] == [("usage_price", 2)]
    assert "m7i.large at aws/us-east-1" in found.diagnostics[0].message


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("2026-06-03,aws,us-east-1,x,1,machines", "6 cells stand under 7 columns"),
        ("yesterday,aws,us-east-1,x,1,machines,1", "'yesterday' is not a time"),
        ("2026-06-03T10:30Z,aws,us-east-1,x,1,machines,1", "is not a whole hour"),
        ("2026-06-03T10:00Z,awz,us-east-1,x,1,machines,1", "'awz' is no cloud"),
        ("2026-06-03T10:00Z,aws,,x,1,machines,1", "the region is missing"),
        ("2026-06-03T10:00Z,aws,us-east-1,,1,machines,1", "the sku is missing"),
        ("2026-06-03T10:00Z,aws,us-east-1,x,-1,machines,1", "the quantity is negative"),
        ("2026-06-03T10:00Z,aws,us-east-1,x,nan,machines,1", "out of range"),
        ("2026-06-03T10:00Z,aws,us-east-1,x,1,machine,1", "'machine' is not a unit"),
        ("2026-06-03T10:00Z,aws,us-east-1,x,1,,1", "the quantity has no unit"),
        ("2026-06-03T10:00Z,aws,us-east-1,x,1,machines,1 USD", "is not a number"),
        ("2026-06-03T10:00Z,aws,us-east-1,x,1,machines,1e12", "out of range"),
        ("2026-06-03T10:00Z,aws,us-east-1,x,,,", "neither quantity nor cost"),
        ("2026-06-03T10:00Z,aws,us-east-1,x,5,tokens,", "tokens have no cost"),
        ("2026-06-03T10:00Z,aws,us-east-1,m7i.large,5,tokens,1", "told in another way"),
    ],
)
def test_each_bad_line_is_told_with_its_number(tmp_path: Path, bad: str, message: str) -> None:
    rows = lines()
    rows.insert(7, bad)
    found = read_usage(written(tmp_path, rows), no_prices)
    assert found.history is None
    assert [d.place.line for d in found.diagnostics] == [9]
    assert message in found.diagnostics[0].message


def test_many_bad_lines_are_counted_to_the_last(tmp_path: Path) -> None:
    found = read_usage(written(tmp_path, [*lines(), *["x,aws,r,s,1,machines,1"] * 75]), no_prices)
    assert len(found.diagnostics) == 51
    assert "25 more" in found.diagnostics[-1].message


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("time,cloud,region,sku,quantity,unit,price", "'price' is not a column"),
        ("time,cloud,sku,quantity,unit,cost", "columns are missing: region"),
        ("time,cloud,region,sku,machine,unit,cost", "stands twice"),
        ("time,cloud,region,sku,quantity", "neither quantity with unit nor cost"),
        ("", "columns are missing: time, cloud, region, sku"),
    ],
)
def test_a_wrong_header_is_told_before_any_line(tmp_path: Path, header: str, message: str) -> None:
    found = read_usage(written(tmp_path, lines(), header), no_prices)
    assert found.history is None
    assert all(d.place.line == 1 for d in found.diagnostics)
    assert any(message in d.message for d in found.diagnostics)


def test_a_gap_is_filled_from_the_nearest_week_and_said(tmp_path: Path) -> None:
    rows = [r for hour, r in enumerate(lines(row=lambda h: f"1,machines,{h % 168}")) if not 10 <= hour < 15]
    found = read_usage(written(tmp_path, rows), no_prices)
    assert found.history is not None
    assert found.history.series[0].micro[10:15] == tuple(h * 1_000_000 for h in range(10, 15))
    assert "5 hours in 1 gaps" in found.history.notes[0]
    assert "2026-06-01T10:00Z" in found.history.notes[0]


def test_an_hour_of_one_series_alone_is_no_gap_for_the_other(tmp_path: Path) -> None:
    rows = [*lines(), f"{stamp(5)},gcp,europe-west1,n2,1,machines,4"]
    found = read_usage(written(tmp_path, rows), no_prices)
    assert found.history is not None
    assert sum(found.history.series[1].micro) == 4_000_000
    assert found.history.notes == ()


def test_lines_of_the_same_hour_add_up_and_are_counted(tmp_path: Path) -> None:
    found = read_usage(written(tmp_path, [*lines(), lines()[3]]), no_prices)
    assert found.history is not None
    assert found.history.series[0].micro[3] == 12_000_000
    assert any("1 lines were added" in note for note in found.history.notes)


def test_days_are_spread_over_their_hours_with_a_warning(tmp_path: Path) -> None:
    rows = [f"2026-06-{day:02d},aws,us-east-1,m7i.large,48,hours,24" for day in range(1, 29)]
    found = read_usage(written(tmp_path, rows), no_prices)
    assert found.history is not None
    assert set(found.history.series[0].micro) == {1_000_000}
    assert found.history.series[0].per_unit == pytest.approx(500_000)
    assert "by the day" in found.history.notes[0]


def test_hours_and_days_do_not_mix(tmp_path: Path) -> None:
    rows = [*lines(), "2026-06-20,aws,us-east-1,m7i.large,48,machines,24"]
    found = read_usage(written(tmp_path, rows), no_prices)
    assert [(d.code, d.place.line) for d in found.diagnostics] == [("usage_mixed", WEEKS + 2)]


@pytest.mark.parametrize(("hours", "code"), [(0, "usage_empty"), (WEEKS - 1, "usage_short")])
def test_too_little_is_refused(tmp_path: Path, hours: int, code: str) -> None:
    found = read_usage(written(tmp_path, lines(hours)), no_prices)
    assert found.history is None
    assert found.diagnostics[0].code == code


def test_other_kinds_of_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableUsage, match=r"\.csv and \.parquet"):
        read_usage(tmp_path / "usage.xlsx", no_prices)


def test_parquet_without_pyarrow_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UnreadableUsage, match="pip install pyarrow"):
        read_usage(tmp_path / "usage.parquet", no_prices)


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="pyarrow is not installed")
def test_parquet_reads_as_csv_does(tmp_path: Path) -> None:
    arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    columns = dict(zip(HEADER.split(","), zip(*(r.split(",") for r in lines()), strict=True), strict=True))
    typed = {**columns, "quantity": [3.0] * WEEKS, "cost": [6.0] * WEEKS}
    file = tmp_path / "usage.parquet"
    parquet.write_table(arrow.table({name: list(values) for name, values in typed.items()}), file)
    expected = read_usage(written(tmp_path, lines()), no_prices)
    assert read_usage(file, no_prices) == expected
    parquet.write_table(
        arrow.table({name: list(v)[:-1] for name, v in {**typed, "cloud": ["x"] * WEEKS}.items()}), file
    )
    assert read_usage(file, no_prices).diagnostics[0].place.line == 2


def test_another_encoding_is_told_with_a_fix_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "usage.csv"
    file.write_bytes("\n".join([HEADER, *lines()]).replace("us-", "\u00fcs-").encode("latin1") + b"\xfc")
    (found,) = read_usage(file, no_prices).diagnostics
    assert "UTF-8" in found.message and "UTF-8" in found.fix and "header" not in found.fix
    assert found.place.line == 2, "the line itself, not the last one that was given"


def test_the_gateways_usage_counts_quiet_hours_as_quiet() -> None:
    hours = (START, START + WEEKS * HOUR)
    spent = [Spent(START + 50 * HOUR, "azure/westeurope", "gpt-4o", 6000, 1500, 3 * PICO_PER_DOLLAR, unpriced=2)]
    found = from_gateway(spent, {"gpt-4o": 4.0}, hours)
    assert found.history is not None
    series = found.history.series[0]
    assert (series.cloud, series.region, series.sku, series.unit) == ("azure", "westeurope", "gpt-4o", "tokens/m")
    assert (found.history.hours, sum(series.micro), series.micro[50]) == (WEEKS, 3_000_000, 3_000_000)
    assert series.per_unit == pytest.approx(3_000_000 / 200)  # 12,000 weighted tokens in the hour: 200 a minute
    assert found.history.notes == ("2 attempts have no known price: they are left out of every cost",)


def test_a_gateway_without_traffic_has_no_history() -> None:
    assert from_gateway([], {}, (START, START + WEEKS * HOUR)).history is None
