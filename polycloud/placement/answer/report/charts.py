"""Bars and plots: drawn from numbers, with the numbers beside them, so that none needs its colour to be read."""

import math
from collections.abc import Mapping, Sequence

from polycloud.placement.answer.report.markup import Markup, tag
from polycloud.placement.answer.words import MICRO, usd

KINDS = ("compute", "storage", "transfer", "commitment", "complexity", "penalty", "fixed")
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 540, 300, 84, 44, 30, 24
TICKS = 5


def key(kinds: Sequence[str]) -> Markup:
    """Which colour is which kind of cost."""
    return tag("ul", [tag("li", tag("i", style=f"background:var(--{kind})"), kind) for kind in kinds], class_="key")


def stacked(rows: Sequence[tuple[str, Mapping[str, int]]]) -> Markup:
    """One bar for each row, its parts by kind. What promises save is taken off compute, as long as the figure is."""
    drawn = [(name, _net(parts)) for name, parts in rows]
    most = max((sum(max(part, 0) for part in parts.values()) for _, parts in drawn), default=0) or 1
    cells = []
    for name, parts in drawn:
        pieces = [
            tag(
                "span",
                style=f"width:{100 * parts[kind] / most:.2f}%;background:var(--{kind})",
                title=f"{kind} {usd(parts[kind])}",
            )
            for kind in KINDS
            if parts.get(kind, 0) > 0
        ]
        cells.append(_row(name, pieces, usd(sum(parts.values()))))
    return tag("div", cells, class_="bars")


def _net(parts: Mapping[str, int]) -> dict[str, int]:
    """With the saving of promises, a negative commitment, taken off what they cover."""
    saved = min(parts.get("commitment", 0), 0)
    net = {kind: part for kind, part in parts.items() if kind != "commitment" or not saved}
    return net | {"compute": parts.get("compute", 0) + saved} if saved else net


def bars(rows: Sequence[tuple[str, int, str, str]]) -> Markup:
    """One plain bar for each (name, micro-USD, colour's name, figure in words)."""
    most = max((amount for _, amount, _, _ in rows), default=0) or 1
    cells = []
    for name, amount, colour, said in rows:
        width = f"width:{max(100 * amount / most, 0):.2f}%;background:var(--{colour})"
        cells.append(_row(name, [tag("span", style=width)], said))
    return tag("div", cells, class_="bars")


def _row(name: str, pieces: Sequence[Markup], said: str) -> Markup:
    return tag(
        "div",
        tag("span", name, class_="name"),
        tag("span", pieces, class_="bar"),
        tag("span", said, class_="value"),
        class_="row",
    )


def scale(low: float, high: float, whole: bool = False) -> list[float]:
    """Round ticks that hold low and high; only whole numbers where nothing lies between."""
    if high <= low:
        high = low + (abs(low) / 10 or 1.0)
    raw = (high - low) / TICKS
    if whole:
        raw = max(raw, 1.0)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [step * n for n in range(first, last + 1)]


def figure(value: float) -> str:
    """A tick's number: whole from a hundred on, else with as few digits as it has."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4g}"


def plot(points: Sequence[tuple[float, int, str]], label: str, title: str) -> Markup:
    """Cost against one other thing: (x, micro-USD a month, words). The points of one curve, joined in order of x."""
    dots = sorted(points)
    xs = scale(dots[0][0], dots[-1][0], all(x == int(x) for x, _, _ in dots))
    ys = scale(min(y for _, y, _ in dots) / MICRO, max(y for _, y, _ in dots) / MICRO)

    def across(x: float) -> float:
        return LEFT + (x - xs[0]) / (xs[-1] - xs[0]) * (WIDTH - LEFT - RIGHT)

    def down(y: float) -> float:
        return HEIGHT - BOTTOM - (y - ys[0]) / (ys[-1] - ys[0]) * (HEIGHT - BOTTOM - TOP)

    grid = [
        (
            tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=down(y), y2=down(y), stroke="var(--line)"),
            tag("text", figure(y), x=LEFT - 6, y=down(y) + 4, text_anchor="end", class_="quiet"),
        )
        for y in ys
    ]
    below = [
        tag("text", figure(x), x=across(x), y=HEIGHT - BOTTOM + 16, text_anchor="middle", class_="quiet") for x in xs
    ]
    line = " ".join(f"{'L' if at else 'M'}{across(x):.1f} {down(y / MICRO):.1f}" for at, (x, y, _) in enumerate(dots))
    marks = [
        tag(
            "circle",
            tag("title", f"{said}: {usd(y)}"),
            cx=across(x),
            cy=down(y / MICRO),
            r=5,
            fill="var(--accent)",
            stroke="var(--panel)",
            stroke_width=1.5,
        )
        for x, y, said in dots
    ]
    drawing = tag(
        "svg",
        tag("title", title),
        tag("desc", "; ".join(f"{said}: {usd(y)}" for _, y, said in dots)),
        grid,
        below,
        tag("text", label, x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 8, text_anchor="middle", class_="quiet"),
        tag("text", "USD a month", x=4, y=12, class_="quiet"),
        tag("path", d=line, fill="none", stroke="var(--accent)", stroke_width=2),
        marks,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        class_="plot",
    )
    return tag("figure", tag("figcaption", title), tag("div", drawing, class_="wide"))
