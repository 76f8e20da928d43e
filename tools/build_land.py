"""Makes the rows of polycloud/placement/answer/report/land.py: which squares of 2.5 degrees are land.

python tools/build_land.py land-110m.json      a TopoJSON of Natural Earth's land, 1:110m (public domain), such as
                                               that of the npm package world-atlas
"""

import json
import sys
from itertools import pairwise
from pathlib import Path

STEP, NORTH, SOUTH = 2.5, 82.5, -57.5
Ring = list[tuple[float, float]]


def rings(topology: dict) -> list[Ring]:
    scale, shift = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = []
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((x * scale[0] + shift[0], y * scale[1] + shift[1]))
        arcs.append(points)
    found = []
    for shape in topology["objects"]["land"]["geometries"]:
        for polygon in shape["arcs"]:
            for ring in polygon:
                line: Ring = []
                for index in ring:
                    line += arcs[index] if index >= 0 else arcs[~index][::-1]
                found.append(unwrapped(line))
    return found


def unwrapped(ring: Ring) -> Ring:
    """A ring that crosses the date line goes on beyond 180 degrees instead of jumping back."""
    turn, found, last = 0, [], ring[0][0]
    for lon, lat in ring:
        turn += 360 * ((lon - last < -180) - (lon - last > 180))
        found.append((lon + turn, lat))
        last = lon
    return found


def is_land(shapes: list[Ring], lon: float, lat: float) -> bool:
    """Even-odd rule over all rings, so that lakes count as water."""
    inside = False
    for ring in shapes:
        for (x1, y1), (x2, y2) in pairwise(ring):
            if (y1 > lat) != (y2 > lat):
                meets = (x2 - x1) * (lat - y1) / (y2 - y1) + x1
                inside ^= (lon < meets) ^ (lon + 360 < meets) ^ (lon - 360 < meets)
    return inside


def main() -> None:
    shapes = rings(json.loads(Path(sys.argv[1]).read_text("utf8")))
    columns = round(360 / STEP)
    lat = NORTH - STEP / 2
    while lat > SOUTH:
        bits = 0
        for column in range(columns):
            bits = bits << 1 | is_land(shapes, -180 + STEP * (column + 0.5), lat)
        print(f'    "{bits:0{columns // 4}x}",')
        lat -= STEP


if __name__ == "__main__":
    main()
