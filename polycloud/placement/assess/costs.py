"""What each pattern costs a month, from the spend that is stated and from assumptions that are named one by one.

It is a model of the bill, not a bill: with an estate the planner computes it from prices instead (``planned``).
"""

import msgspec

from polycloud.catalog.market import Market
from polycloud.placement.assess.needs import Needs
from polycloud.placement.availability import ACTIVE, ONE

GB = 10**9
SPENT = "what you spend now"
SINGLE, SPECIALISED, FAILOVER, HYBRID, EVERYWHERE = (
    "single cloud",
    "specialised",
    "primary with failover",
    "hybrid",
    "active-active",
)
PATTERNS = (SINGLE, SPECIALISED, FAILOVER, HYBRID, EVERYWHERE)  # the simplest first


class Assumption(msgspec.Struct, frozen=True):
    """One figure that nobody stated: low, expected and high, and what it stands on."""

    key: str
    low: float
    expected: float
    high: float
    text: str


# People are the largest item, and the least certain. Third-party write-ups put several clouds at 25-50 % more
# operating cost and a least team of 3-5 specialists (cloudandclear.uk, valukoda.com, read 2026-11): opinions, not
# measurements. State your own as extra_cloud_cost or engineer_cost, or money.complexity of an estate.
FIGURES = {
    a.key: a
    for a in (
        Assumption("model_share", 0.2, 0.4, 0.6, "share of the spend that is model APIs, paid by use anywhere"),
        Assumption("standby", 0.1, 0.2, 0.4, "what a standby keeps warm, of the capacity that is not paid by use"),
        Assumption("active", 0.6, 1.0, 1.0, "what a second active side adds, of the capacity that is not paid by use"),
        Assumption("engineer_cost", 10_000, 15_000, 20_000, "USD a month for one person, all included"),
        Assumption("people_models", 0.1, 0.25, 0.5, "people for a cloud that only serves model APIs by a gateway"),
        Assumption("people_specialised", 0.5, 1.0, 2.0, "people for a further cloud, or hall, with some workloads"),
        Assumption("people_failover", 0.5, 1.5, 3.0, "people for a standby cloud, drills included"),
        Assumption("people_active", 1.5, 3.0, 5.0, "people for a second cloud that is always live"),
        Assumption("lost_discount", 0.0, 0.05, 0.10, "discount lost on what moves away from the one large contract"),
        Assumption("moved_share", 0.2, 0.4, 0.5, "share of the spend that a specialised second cloud takes"),
        Assumption("hall_ratio", 0.5, 0.7, 1.1, "cost of steady work on own machines, of what it costs in a cloud"),
        Assumption("steady_share", 0.2, 0.4, 0.6, "share of the spend that runs the same day and night"),
        Assumption("moved_per_month", 0.05, 0.1, 0.3, "share of the data that changes or is read elsewhere in a month"),
        Assumption("egress", 0.05, 0.09, 0.12, "USD a GB between clouds where the catalogue has no price"),
    )
}


class Item(msgspec.Struct, frozen=True):
    """One line of a pattern's cost: micro-USD a month at low, expected and high."""

    what: str
    low: int
    expected: int
    high: int


class Cost(msgspec.Struct, frozen=True):
    """A pattern's monthly cost by lines, and the assumptions that they use."""

    items: tuple[Item, ...]
    assumed: tuple[str, ...] = ()

    @property
    def low(self) -> int:
        return sum(item.low for item in self.items)

    @property
    def expected(self) -> int:
        return sum(item.expected for item in self.items)

    @property
    def high(self) -> int:
        return sum(item.high for item in self.items)


class Shape(msgspec.Struct, frozen=True):
    """What is costed: ``depth`` inside a cloud, ``clouds`` in use, the sites data would go between, and whether the
    further clouds only serve models."""

    depth: str
    clouds: int
    src: str
    dst: str
    models_only: bool = False


class _Reckoning:
    """Low, expected and high at once; every assumption that is looked at is remembered."""

    def __init__(self, needs: Needs, market: Market) -> None:
        self.needs, self.market = needs, market
        self.used: dict[str, None] = {}

    def figure(self, key: str) -> tuple[float, float, float]:
        """The stated value three times, or the assumption."""
        stated = getattr(self.needs, key, None)
        if stated is not None:
            value = stated / 1e6 if key == "engineer_cost" else float(stated)
            return value, value, value
        assumption = FIGURES[key]
        self.used[key] = None
        return assumption.low, assumption.expected, assumption.high

    def item(self, what: str, base: float, *factors: tuple[float, float, float]) -> Item:
        low, expected, high = base, base, base
        for factor in factors:
            low, expected, high = low * factor[0], expected * factor[1], high * factor[2]
        return Item(what, round(low), round(expected), round(high))

    def not_by_use(self) -> tuple[float, float, float]:
        low, expected, high = self.figure("model_share")
        return 1 - high, 1 - expected, 1 - low

    def moved(self) -> tuple[float, float, float]:
        """GB a month that change or are read on the other side."""
        if self.needs.moved_per_month is not None:
            return (self.needs.moved_per_month / GB,) * 3
        low, expected, high = self.figure("moved_per_month")
        data = (self.needs.data or 0) / GB
        return data * low, data * expected, data * high

    def egress(self, shape: Shape) -> Item:
        row = self.market.egress(shape.src, shape.dst) if shape.src and shape.dst else None
        if row is not None and row.currency == "USD":
            price = (row.first_paid / 1e6,) * 3
            what = f"data sent {shape.src} to {shape.dst} at {row.first_paid / 1e6:.3g} USD/GB ({row.quality})"
        else:
            price, what = self.figure("egress"), "data sent between the clouds"
        return self.item(what, 1e6, self.moved(), price)

    def people(self, key: str, times: int = 1) -> Item:
        """Of further clouds; the user's own figure stands for any of them."""
        own = self.needs.extra_cloud_cost
        if own is not None:
            return self.item("people and tools, as you state", float(own * times), (1, 1, 1))
        factors = self.figure(key), self.figure("engineer_cost")
        return self.item(FIGURES[key].text, 1e6 * times, *factors)


def cost(pattern: str, shape: Shape, needs: Needs, market: Market) -> Cost:
    """What a pattern costs a month at the spend of ``needs``, which is taken as one cloud in one region."""
    reckoning = _Reckoning(needs, market)
    spend = float(needs.monthly_spend or 0)
    items = [reckoning.item(SPENT, spend, (1, 1, 1))]
    further = max(1, shape.clouds - 1)
    inelastic = reckoning.not_by_use
    if pattern not in (FAILOVER, EVERYWHERE) and shape.depth != ONE:
        share = reckoning.figure("active" if shape.depth == ACTIVE else "standby")
        items.append(reckoning.item(f"a second region in the same cloud ({shape.depth})", spend, inelastic(), share))
    if pattern == FAILOVER:
        items.append(reckoning.item("the standby", spend, inelastic(), reckoning.figure("standby")))
        items += [reckoning.egress(shape), reckoning.people("people_failover")]
    elif pattern == EVERYWHERE:
        items.append(reckoning.item("the second side", spend, inelastic(), reckoning.figure("active")))
        items.append(reckoning.item("discount lost on half of it", spend / 2, reckoning.figure("lost_discount")))
        items += [reckoning.egress(shape), reckoning.people("people_active")]
    elif pattern == SPECIALISED and shape.models_only:
        items.append(reckoning.people("people_models", further))
    elif pattern == SPECIALISED:
        moved = reckoning.figure("moved_share"), reckoning.figure("lost_discount")
        items.append(reckoning.item("discount lost on what moves", spend, *moved))
        items += [reckoning.egress(shape), reckoning.people("people_specialised", further)]
    elif pattern == HYBRID:
        items += [_steady(reckoning, spend), reckoning.egress(shape), reckoning.people("people_specialised")]
    return Cost(tuple(items), tuple(f"{k}: {_said(k)}" for k in reckoning.used))


def _steady(reckoning: _Reckoning, spend: float) -> Item:
    """What steady work saves on own machines; at worst they are dearer, and then the more of it the worse."""
    ratio, steady = reckoning.figure("hall_ratio"), reckoning.figure("steady_share")
    ends = [round(-spend * s * (1 - r)) for s in steady for r in ratio]
    return Item("steady work on own machines", min(ends), round(-spend * steady[1] * (1 - ratio[1])), max(ends))


def _said(key: str) -> str:
    a = FIGURES[key]
    return f"{a.expected:g} ({a.low:g} to {a.high:g}): {a.text}"
