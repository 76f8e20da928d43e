"""The map: sites by what they cost, flows by what they carry, on a plain grid of degrees with dotted land."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from polycloud.placement.answer.report.land import NORTH, ROWS, STEP
from polycloud.placement.answer.report.markup import Markup, tag
from polycloud.placement.answer.values import FlowAnswer, SitePoint
from polycloud.placement.answer.words import data, usd

WIDTH = 860
ASPECT = 2.1  # width by height
MARGIN = 0.18  # of the span, around the outermost sites
LEAST_SPAN = 70.0  # degrees of longitude: a map of one city says nothing, and land has squares of 2.5 degrees
LETTER = 0.55  # how wide a letter is, by its size
SIZES = (("broad", 12), ("narrow", 26))  # of names: on a narrow screen the map is half as large, and fewer have room
DOT_MOST = 9.0  # pixels between dots; above it they would be too few to make a shape, so that squares are filled
COLUMNS = round(360 / STEP)


class Window(NamedTuple):
    """The part of the world that is shown, in degrees, and pixels per degree."""

    west: float
    north: float
    span: float
    scale: float

    def x(self, longitude: float) -> float:
        return (longitude - self.west) * self.scale

    def y(self, latitude: float) -> float:
        return (self.north - latitude) * self.scale

    @property
    def height(self) -> float:
        return WIDTH / ASPECT


def world(sites: Sequence[SitePoint], costs: Mapping[str, int], flows: Sequence[FlowAnswer]) -> Markup:
    """The sites of a plan and what moves between them. Sites whose place is not known are not drawn."""
    known = {s.site: (s.latitude, s.longitude) for s in sites if s.latitude is not None and s.longitude is not None}
    places = {site: (lat, lon) for site, (lat, lon) in known.items() if lat is not None and lon is not None}
    window = _window(list(places.values()))
    clouds = {s.site: s.cloud for s in sites}
    spots = {site: (window.x(lon), window.y(lat)) for site, (lat, lon) in _apart(places, window).items()}
    most = max((costs.get(site, 0) for site in spots), default=0) or 1
    radius = {site: 5 + 11 * math.sqrt(max(costs.get(site, 0), 0) / most) for site in spots}
    said = [f"{site}: {usd(costs.get(site, 0))} a month" for site in spots]
    drawing = tag(
        "svg",
        tag("title", "Map of the plan"),
        tag("desc", "; ".join(said)),
        _land(window),
        _grid(window),
        list(_flows(flows, spots)),
        [
            tag(
                "circle",
                tag("title", text),
                cx=x,
                cy=y,
                r=radius[site],
                fill=f"var(--{clouds[site]})",
                fill_opacity=0.85,
                stroke="var(--panel)",
                stroke_width=1.5,
            )
            for (site, (x, y)), text in zip(spots.items(), said, strict=True)
        ],
        [tag("g", list(_labels(spots, radius, window, size)), class_=name, font_size=size) for name, size in SIZES],
        viewBox=f"0 0 {WIDTH} {window.height:.0f}",
        role="img",
        class_="map",
    )
    return tag("div", drawing, class_="wide")


def _window(points: Sequence[tuple[float, float]]) -> Window:
    lats, lons = [lat for lat, _ in points] or [0.0], [lon for _, lon in points] or [0.0]
    tall = (max(lats) - min(lats)) * (1 + 2 * MARGIN) * ASPECT
    wide = (max(lons) - min(lons)) * (1 + 2 * MARGIN)
    span = min(max(tall, wide, LEAST_SPAN), 360.0)
    middle, centre = (max(lats) + min(lats)) / 2, (max(lons) + min(lons)) / 2
    north = min(middle + span / ASPECT / 2, 85.0)
    west = max(min(centre - span / 2, 180 - span), -180.0)
    return Window(west, north, span, WIDTH / span)


def _apart(places: Mapping[str, tuple[float, float]], window: Window) -> dict[str, tuple[float, float]]:
    """Sites of one city side by side, so that none hides another."""
    found: dict[str, tuple[float, float]] = {}
    near = 20 / window.scale
    for site, (lat, lon) in places.items():
        spot, turn = (lat, lon), 0
        while any(math.dist(spot, other) < near for other in found.values()) and turn < 12:
            angle, far = math.radians(60 * turn + 30), near * (1.05 + turn // 6)
            spot, turn = (lat + far * math.sin(angle), lon + far * math.cos(angle)), turn + 1
        found[site] = spot
    return found


def _land(window: Window) -> Markup:
    """Each square of land as a dot, or filled where the map is near: a line of no length with a round or square end."""
    dot = STEP * window.scale
    pieces = []
    for row, digits in enumerate(ROWS):
        y = window.y(NORTH - STEP * (row + 0.5))
        if not -dot <= y <= window.height + dot:
            continue
        bits, last = bin(int(digits, 16))[2:].zfill(COLUMNS), None
        for column, bit in enumerate(bits):
            x = window.x(-180 + STEP * (column + 0.5))
            if bit == "1" and -dot <= x <= WIDTH + dot:
                pieces.append(f"M{x:.1f} {y:.1f}h0" if last is None else f"m{x - last:.1f} 0h0")
                last = x
    return tag(
        "path",
        d="".join(pieces),
        fill="none",
        stroke="var(--land)",
        stroke_width=dot * 0.5 if dot <= DOT_MOST else dot,
        stroke_linecap="round" if dot <= DOT_MOST else "square",
        stroke_opacity=1 if dot <= DOT_MOST else 0.6,
    )


def _grid(window: Window) -> list[Markup]:
    step = 30 if window.span > 150 else 15 if window.span > 70 else 10
    lines = []
    for lat in range(-60, 90, step):
        y = window.y(lat)
        if 0 < y < window.height:
            said = f"{abs(lat)}°{'N' if lat > 0 else 'S' if lat < 0 else ''}"
            lines.append(tag("line", x1=0, x2=WIDTH, y1=y, y2=y, stroke="var(--line)", stroke_width=0.7))
            lines.append(tag("text", said, x=4, y=y - 3, class_="quiet"))
    for lon in range(-180, 181, step):
        x = window.x(lon)
        if 30 < x < WIDTH:
            said = f"{abs(lon)}°{'E' if lon > 0 else 'W' if lon < 0 else ''}"
            lines.append(tag("line", x1=x, x2=x, y1=0, y2=window.height, stroke="var(--line)", stroke_width=0.7))
            lines.append(tag("text", said, x=x + 3, y=window.height - 4, class_="quiet"))
    return lines


def _flows(flows: Sequence[FlowAnswer], spots: Mapping[str, tuple[float, float]]) -> Iterator[Markup]:
    """One bow for each pair of sites, its width by the bytes on a logarithmic scale, an arrow at its end."""
    total: dict[tuple[str, str], int] = {}
    for flow in flows:
        if flow.source != flow.target and flow.source in spots and flow.target in spots:
            total[flow.source, flow.target] = total.get((flow.source, flow.target), 0) + flow.bytes
    for (source, target), volume in total.items():
        (x1, y1), (x2, y2) = spots[source], spots[target]
        far = math.dist((x1, y1), (x2, y2)) or 1.0
        bend = min(0.2 * far, 60) / far
        cx, cy = (x1 + x2) / 2 + (y2 - y1) * bend, (y1 + y2) / 2 - (x2 - x1) * bend
        width = min(max(0.6 * math.log10(max(volume, 1)) - 4.5, 1.0), 5.0)
        angle = math.atan2(y2 - cy, x2 - cx)
        tip = (x2 - 9 * math.cos(angle), y2 - 9 * math.sin(angle))
        wings = [(tip[0] - 10 * math.cos(angle + side), tip[1] - 10 * math.sin(angle + side)) for side in (0.45, -0.45)]
        arrow = "M{:.1f} {:.1f}L{:.1f} {:.1f}L{:.1f} {:.1f}Z".format(*tip, *wings[0], *wings[1])
        yield tag(
            "g",
            tag("title", f"{source} to {target}: {data(volume)} a month"),
            tag(
                "path",
                d=f"M{x1:.1f} {y1:.1f}Q{cx:.1f} {cy:.1f} {x2:.1f} {y2:.1f}",
                fill="none",
                stroke="var(--transfer)",
                stroke_width=width,
                stroke_opacity=0.75,
            ),
            tag("path", d=arrow, fill="var(--transfer)"),
        )


def _labels(
    spots: Mapping[str, tuple[float, float]], radius: Mapping[str, float], window: Window, size: int
) -> Iterator[Markup]:
    """The name of each site where there is room, in letters of a size; the table has all."""
    tall = size * 7 / 6
    taken = [(x - radius[s], y - radius[s], x + radius[s], y + radius[s]) for s, (x, y) in spots.items()]
    for site, (x, y) in spots.items():
        wide, r, half = len(site) * size * LETTER, radius[site] + 4, tall / 2
        sides = ((x + r, y - half), (x - r - wide, y - half), (x - wide / 2, y - r - tall), (x - wide / 2, y + r))
        for left, top in sides:
            box = (left, top, left + wide, top + tall)
            inside = left >= 0 and top >= 0 and box[2] <= WIDTH and box[3] <= window.height
            if inside and not any(_meet(box, other) for other in taken):
                taken.append(box)
                yield tag(
                    "text",
                    site,
                    x=left,
                    y=top + size * 0.92,
                    stroke="var(--panel)",
                    stroke_width=3,
                    paint_order="stroke",
                )
                break


def _meet(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
