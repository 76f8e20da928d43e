"""Offers and earlier promises bound to a history: which series each covers, how much one unit covers, what it costs."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from polycloud.estate.schema.work import Commitment
from polycloud.placement.commitments.history import HOUR, MACHINES, TOKENS, History, Series
from polycloud.placement.commitments.offers import KINDS, PPM, PREPAID, UNIT_KINDS, Offering
from polycloud.placement.commitments.reading import Lookup

DOLLAR = 1_000_000  # the unit of what is promised in money: one USD per hour at on-demand prices


class Instrument(msgspec.Struct, frozen=True):
    """An offering bound to series. One unit covers ``covers[i]`` micro-USD per hour of the on-demand usage of series
    ``members[i]`` and costs ``cost`` micro-USD per hour, used or not; for prepaid credits both are per term."""

    offering: Offering
    members: tuple[int, ...]
    covers: tuple[float, ...]
    cost: float
    whole: bool

    @property
    def ratio(self) -> float:
        """What is paid for a dollar of on-demand usage when all is used: below 1 there is something to save."""
        return self.cost / max(self.covers)

    @property
    def order(self) -> tuple[int, float]:
        """The provider uses up a smaller one first."""
        return KINDS[self.offering.kind], self.ratio


class Held(msgspec.Struct, frozen=True):
    """A promise made before: ``amount`` units until hour ``until`` from now. It is paid whatever is decided."""

    name: str
    instrument: Instrument
    amount: float
    until: int
    certain: bool = True


class Bound(msgspec.Struct, frozen=True):
    """What can be bought for a history, what is held, and what was left aside with the reason."""

    instruments: tuple[Instrument, ...]
    held: tuple[Held, ...] = ()
    aside: tuple[str, ...] = ()


def bind(history: History, offerings: Iterable[Offering]) -> Bound:
    """The offerings that cover something of the history; each other one is told with its reason."""
    found: list[Instrument] = []
    aside: list[str] = []
    for offering in offerings:
        members = tuple(at for at, series in enumerate(history.series) if offering.covers(series))
        bound = _instrument(offering, members, history.series) if members else "no usage matches it"
        if isinstance(bound, str):
            aside.append(f"{offering.name}: {bound}")
        elif bound.ratio >= 1:
            aside.append(f"{offering.name}: at {bound.ratio:.0%} of the on-demand price it saves nothing")
        else:
            found.append(bound)
    return Bound(tuple(found), aside=tuple(aside))


def _instrument(offering: Offering, members: tuple[int, ...], series: Sequence[Series]) -> Instrument | str:
    if offering.unit_micro is None:
        whole = offering.increment > 1 or offering.minimum > 0
        return Instrument(offering, members, (float(DOLLAR),) * len(members), offering.keep_ppm, whole)
    unit = TOKENS if offering.kind in UNIT_KINDS else MACHINES
    each = offering.serves if offering.kind in UNIT_KINDS else 1.0
    covers = []
    for at in members:
        line = series[at]
        if line.unit != unit or not line.per_unit:
            return f"it counts {unit}, and the usage of {line.name} is not given so"
        covers.append(each * line.per_unit)
    return Instrument(offering, members, tuple(covers), offering.unit_micro, True)


def hold(
    commitments: Mapping[str, Commitment], history: History, offerings: Sequence[Offering], price: Lookup, now: int
) -> Bound:
    """The estate's commitments that are still running ``now`` (Unix seconds), bound to the history.

    A unit's price and throughput come from the offering of the same kind, cloud and sku; a discount that is not
    stated from the catalogue's committed price of its sku. What can not be told is left aside, with the reason.
    """
    held: list[Held] = []
    aside: list[str] = []
    for name, commitment in commitments.items():
        begins, until, certain = _running(commitment, now)
        if until <= 0 or begins > now:
            aside.append(f"{name}: {'it has ended' if until <= 0 else 'it has not begun'}")
            continue
        found = _held(name, commitment, history, offerings, price, until)
        if isinstance(found, str):
            aside.append(f"{name}: {found}; it is not counted, so what is proposed may overlap it")
        else:
            held.append(msgspec.structs.replace(found, certain=certain))
            if not certain:
                aside.append(f"{name}: it does not say when it ends (starts: and term:); taken to run on")
    return Bound((), tuple(held), tuple(aside))


FOREVER = 10 * 8760  # hours; beyond any term that is planned


def _running(commitment: Commitment, now: int) -> tuple[int, int, bool]:
    """When it began, the hours it still runs, and whether that is known."""
    if commitment.starts is None or commitment.term is None:
        return 0, FOREVER, False
    begins = int(datetime.fromisoformat(commitment.starts).replace(tzinfo=UTC).timestamp())
    return begins, (begins + int(commitment.term.value) - now) // HOUR, True


def _held(
    name: str,
    commitment: Commitment,
    history: History,
    offerings: Sequence[Offering],
    price: Lookup,
    until: int,
) -> Held | str:
    region = commitment.at.partition("/")[2] if commitment.at else "*"
    term = "1y" if commitment.term is None or commitment.term.value < 2 * 31557600 else "3y"
    keep = None if commitment.discount is None else round(PPM * float(1 - commitment.discount.value))
    base = Offering(name, commitment.cloud, commitment.kind, term, region, commitment.sku or "*")
    twin = next((o for o in offerings if _twins(o, base)), None)
    offer = price(commitment.at, commitment.sku) if commitment.at and commitment.sku else None
    committed = None if offer is None else (offer.committed_1y if term == "1y" else offer.committed_3y)
    if keep is None and twin is not None:
        keep = twin.keep_ppm
    if keep is None and offer is not None and offer.on_demand and committed:
        keep = round(PPM * committed / offer.on_demand)
    if commitment.kind in UNIT_KINDS:
        if twin is None or commitment.units is None:
            return "give its units, and an offer of the same kind, sku and site that says what one serves"
        offering = msgspec.structs.replace(twin, name=name, minimum=0, increment=1)
        amount: float = commitment.units
    elif commitment.units is not None:
        if keep is None or offer is None or not offer.on_demand:
            return "its units have no known price: name at and sku, or give an amount and a discount"
        offering = msgspec.structs.replace(base, unit_micro=round(offer.on_demand * keep / PPM))
        amount = commitment.units
    elif commitment.amount is not None and keep is not None and commitment.amount.currency == "USD":
        offering = msgspec.structs.replace(base, keep_ppm=keep)
        hours = float(commitment.term.value) / HOUR if commitment.term else 8760.0
        # A sum for the whole term: per hour, or what is left of a prepaid one if it was drawn down evenly.
        spend = commitment.amount.micro * (min(1.0, until / hours) if commitment.kind == PREPAID else 1 / hours)
        amount = spend / max(1, keep)
    else:
        return "it needs units, or an amount in USD with a discount"
    members = tuple(at for at, series in enumerate(history.series) if offering.covers(series))
    if not members:
        return "no usage of the history matches it"
    bound = _instrument(offering, members, history.series)
    return bound if isinstance(bound, str) else Held(name, bound, amount, until)


def _twins(offering: Offering, base: Offering) -> bool:
    return (
        offering.kind == base.kind
        and offering.cloud == base.cloud
        and (base.sku == "*" or offering.sku in (base.sku, "*"))
        and (base.region == "*" or offering.region in (base.region, "*"))
    )
