"""What can be promised: commitments on offer, from the catalogue's prices and from a file of the user's.

The catalogue knows committed prices of machines for AWS and Google Cloud. Everything else (savings plans, Azure
reservations, provisioned throughput, dedicated clusters, prepaid credits) has no public price table here, or one
that is negotiated: it must come from the file, and is never made up.
"""

from collections.abc import Iterable
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from polycloud.catalog.lookup import CLOUDS
from polycloud.catalog.market_rows import Offer, Promised
from polycloud.core.diagnostics import Diagnostic
from polycloud.core.money import Money
from polycloud.core.units import parse
from polycloud.estate.paths import KeyPath, suggestion
from polycloud.estate.scalars import read_money
from polycloud.estate.source import MAX_FILE_BYTES, Mapping, Mark, Node, Scalar, Sequence, read
from polycloud.placement.commitments.history import MACHINES, Series
from polycloud.placement.commitments.reading import Lookup, source_of

PPM = 1_000_000
YEAR_HOURS = 8760
MONTH_HOURS = 730
TERMS = {"1m": MONTH_HOURS, "1y": YEAR_HOURS, "3y": 3 * YEAR_HOURS}
TERMS_LISTED = ("1y", "3y")  # those that the catalogue has prices of, in its order

# What each kind counts in, and when the provider uses it up: a lower number first. Within a number the better
# discount goes first. AWS applies reserved instances before savings plans, and of those the narrower and better
# rate first (docs.aws.amazon.com/savingsplans, as generally known, no stored page, 2026-11); Azure applies
# reservations before its savings plan, Google Cloud resource before spend commitments (likewise).
KINDS = {
    "reserved": 0,
    "reservation": 0,
    "ptu": 0,
    "dedicated": 0,
    "provisioned": 0,
    "committed-use": 1,
    "savings-plan": 2,
    "universal-credits": 3,
}
UNIT_KINDS = ("ptu", "dedicated", "provisioned")  # whole units with a price of their own and a throughput
PREPAID = "universal-credits"  # a sum for the term, drawn down by usage; what is left at its end is lost
KEYS = (
    "name",
    "cloud",
    "kind",
    "term",
    "at",
    "sku",
    "discount",
    "per_hour",
    "serves",
    "output_counts",
    "minimum",
    "increment",
    "most",
    "convertible",
    "upfront",
)


class Offering(msgspec.Struct, frozen=True):
    """A commitment on offer. It covers usage of ``cloud`` whose region and sku match the patterns.

    By ``keep_ppm``: millionths of the on-demand price that are paid for what is promised. By unit (``unit_micro``
    set): micro-USD per hour of each, which serves ``serves`` tokens a minute, or one machine when that is 0.
    ``minimum`` and ``increment`` are units; ``most`` the largest amount in units or USD per hour. ``upfront_share``
    millionths of the price are paid at the start. ``as_of`` is the date of a price of the catalogue.
    """

    name: str
    cloud: str
    kind: str
    term: str
    region: str = "*"
    sku: str = "*"
    keep_ppm: int = PPM
    unit_micro: int | None = None
    serves: float = 0.0
    output_counts: float = 1.0
    minimum: int = 0
    increment: int = 1
    most: float | None = None
    convertible: bool = False
    upfront_ppm: int = 0
    source: str = ""
    as_of: str = ""

    @property
    def hours(self) -> int:
        return TERMS[self.term]

    @property
    def prepaid(self) -> bool:
        return self.kind == PREPAID

    def covers(self, series: Series) -> bool:
        """Whether usage of a series can be covered; a convertible one can be exchanged within its region."""
        if series.cloud != self.cloud or not fnmatchcase(series.region, self.region):
            return False
        return self.convertible or fnmatchcase(series.sku, self.sku)


class Offers(msgspec.Struct, frozen=True):
    """What is on offer, what is wrong with the file, and for which usage nothing is known."""

    offerings: tuple[Offering, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    missing: tuple[str, ...] = ()


def from_catalogue(series: Iterable[Series], price: Lookup, terms: tuple[str, ...]) -> Offers:
    """One offering for each machine and term that has a committed price; whole machines, in their own region.

    On AWS the price is that of a reserved instance or an instance savings plan, on Google Cloud that of a resource
    commitment of this machine type; neither covers another type here, although regional ones can.
    """
    found: list[Offering] = []
    missing: list[str] = []
    for line in series:
        offer = price(f"{line.cloud}/{line.region}", line.sku)
        wanted = [(term, _committed(offer, term)) for term in terms if term != "1m"]
        known = [(term, micro) for term, micro in wanted if micro is not None]
        if offer is None or offer.on_demand is None or not known or line.unit != MACHINES or not line.per_unit:
            missing.append(line.name)
            continue
        kind = "committed-use" if line.cloud == "gcp" else "reserved"
        for term, micro in known:
            # The same share off whatever the usage's own price is: a negotiated discount holds for both.
            unit = round(line.per_unit * micro / offer.on_demand)
            name = f"{line.cloud} {kind} {line.sku} {line.region} {term}"
            keep = round(PPM * micro / offer.on_demand)
            basis = offer.promised[TERMS_LISTED.index(term)]
            found.append(
                Offering(
                    name,
                    line.cloud,
                    kind,
                    term,
                    line.region,
                    line.sku,
                    keep,
                    unit,
                    upfront_ppm=PPM if basis is not None and basis.upfront else 0,
                    source=_source(offer, basis),
                    as_of=basis.as_of if basis is not None else "",
                )
            )
        if len(known) < len(wanted):
            lacks = ", ".join(term for term, micro in wanted if micro is None)
            missing.append(f"{line.name} for {lacks}")
    return Offers(tuple(found), missing=tuple(missing))


def _source(offer: Offer, basis: Promised | None) -> str:
    """Where a committed price comes from: not where the on-demand price does."""
    if basis is None:
        return source_of(offer)
    paid = "all paid upfront" if basis.upfront else "paid by the month"
    words = [f"catalogue: {basis.source} ({basis.quality}, {basis.as_of})", paid, basis.note, offer.note]
    return "; ".join(filter(None, words))


def _committed(offer: Offer | None, term: str) -> int | None:
    if offer is None or offer.on_demand is None or offer.currency != "USD":
        return None
    return offer.committed_1y if term == "1y" else offer.committed_3y


def read_offers(path: Path) -> Offers:
    """The offerings in a YAML file: ``offers: [{name, cloud, kind, term, …}]``. Every mistake is a diagnostic."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE_BYTES + 1).decode("utf8")
    except UnicodeDecodeError:
        text = "\0"
    tree, found = read(text[:MAX_FILE_BYTES], str(path))
    if tree is None or any(d.severity == "error" for d in found):
        return Offers((), tuple(found))
    entry = tree.entries.get("offers")
    found += _unknown(tree, ("offers",), "an offers file")
    if entry is None or not isinstance(entry.node, Sequence):
        place = tree.mark.place(("offers",))
        found.append(Diagnostic("error", "key_missing", "the file needs a list offers:", place, "see the how-to"))
        return Offers((), tuple(found))
    offerings: list[Offering] = []
    for at, node in enumerate(entry.node.items):
        reader = _Reader(node, ("offers", at))
        offering = reader.offering() if isinstance(node, Mapping) else None
        if not isinstance(node, Mapping):
            reader.say("type_wrong", node.mark, "an offer is a map", "write keys with values below it")
        found += reader.found
        if offering is not None and not reader.found:
            offerings.append(offering)
    names = [o.name for o in offerings]
    if twice := {name for name in names if names.count(name) > 1}:
        message = f"{', '.join(sorted(twice))} stands twice"
        found.append(Diagnostic("error", "name_twice", message, entry.key.place(("offers",)), "rename one"))
    return Offers(tuple(offerings), tuple(found))


def _unknown(node: Mapping, known: tuple[str, ...], what: str, path: KeyPath = ()) -> list[Diagnostic]:
    return [
        Diagnostic(
            "error", "key_unknown", f"{key!r} is not a key of {what}", e.key.place((*path, key)), suggestion(key, known)
        )
        for key, e in node.entries.items()
        if key not in known
    ]


class _Reader:
    """One offer of the file; what is wrong is collected in ``found``."""

    def __init__(self, node: Node, path: KeyPath) -> None:
        self.node, self.path = node, path
        self.found: list[Diagnostic] = []

    def say(self, code: str, mark: Mark, message: str, fix: str, key: str = "") -> None:
        path = (*self.path, key) if key else self.path
        self.found.append(Diagnostic("error", code, message, mark.place(path), fix))

    def offering(self) -> Offering | None:
        assert isinstance(self.node, Mapping)
        self.found += _unknown(self.node, KEYS, "an offer", self.path)
        kind = self._choice("kind", tuple(KINDS))
        cloud = self._choice("cloud", CLOUDS)
        term = self._choice("term", tuple(TERMS))
        name = self._text("name") or f"{cloud} {kind} {term}"
        where = self._text("at")
        if where and cloud and not where.startswith((f"{cloud}/", "*")):
            self._wrong("site_malformed", "at", f"{where!r} is not in {cloud}", f"write {cloud}/REGION or {cloud}/*")
        by_unit = kind in UNIT_KINDS
        unit = self._money("per_hour") if by_unit or self._has("per_hour") else None
        keep = PPM if unit is not None or by_unit else self._keep()
        serves = float(self._parsed("serves", "count_per_minute") or 0) if by_unit else 0.0
        if by_unit and not self._has("serves"):
            self.say("key_missing", self.node.mark, "units need serves", "add serves: 2500/m, tokens a minute of each")
        minimum, increment = self._count("minimum", 0), self._count("increment", 1)
        if kind is None or cloud is None or term is None:
            return None
        return Offering(
            name,
            cloud,
            kind,
            term,
            where.removeprefix(f"{cloud}/") or "*",
            self._text("sku") or "*",
            keep,
            None if unit is None else unit.micro,
            serves,
            float(self._number("output_counts", 1.0)),
            minimum,
            max(1, increment),
            self._number("most", 0.0) or None,
            self._flag("convertible"),
            round(PPM * float(self._parsed("upfront", "ratio") or 0)),
            str(self.node.mark.place().file),
        )

    def _keep(self) -> int:
        found = self._parsed("discount", "ratio")
        assert isinstance(self.node, Mapping)
        if not self._has("discount"):
            fix = "add discount: 28 %, off the on-demand price; or per_hour: for units"
            self.say("key_missing", self.node.mark, "its price is not said", fix)
            return PPM
        if found is None or not 0 <= found < 1:
            if found is not None:
                self._wrong("out_of_range", "discount", "a discount lies between 0 and 100 %", "write it as 28 %")
            return PPM
        return round(PPM * float(1 - found))

    def _value(self, key: str) -> object:
        assert isinstance(self.node, Mapping)
        entry = self.node.entries.get(key)
        if entry is None:
            return None
        if isinstance(entry.node, Scalar):
            return entry.node.value
        self.say("type_wrong", entry.key, f"{key} is one value", "write a text or a number", key)
        return None

    def _has(self, key: str) -> bool:
        return isinstance(self.node, Mapping) and key in self.node.entries

    def _wrong(self, code: str, key: str, message: str, fix: str) -> None:
        assert isinstance(self.node, Mapping)
        self.say(code, self.node.entries[key].key, message, fix, key)

    def _text(self, key: str) -> str:
        value = self._value(key)
        return "" if value is None else str(value)

    def _choice(self, key: str, choices: tuple[str, ...]) -> str | None:
        value = self._value(key)
        if value in choices:
            return str(value)
        assert isinstance(self.node, Mapping)
        if not self._has(key):
            self.say("key_missing", self.node.mark, f"an offer needs {key}", f"add {key}: one of {', '.join(choices)}")
        else:
            fix = suggestion(str(value), choices)
            self._wrong("choice_unknown", key, f"{str(value)[:40]!r} is not one of {', '.join(choices)}", fix)
        return None

    def _money(self, key: str) -> Money | None:
        if not self._has(key):
            assert isinstance(self.node, Mapping)
            self.say("key_missing", self.node.mark, "units need per_hour", "add per_hour: 0.70 USD, the price of each")
            return None
        try:
            found = read_money(self._value(key))
        except ValueError as error:
            self._wrong("money_malformed", key, str(error), "write it as 0.70 USD")
            return None
        if found.currency != "USD":
            self._wrong("currency_unsupported", key, "usage is priced in USD", "convert it")
        return found

    def _parsed(self, key: str, dimension: str) -> Decimal | None:
        if not self._has(key):
            return None
        try:
            return parse(str(self._value(key)), "ratio" if dimension == "ratio" else "count_per_minute").value
        except ValueError as error:
            self._wrong("unit_unknown", key, str(error), "write it with its unit, as in 28 % or 2500/m")
            return None

    def _number(self, key: str, default: float) -> float:
        value = self._value(key) if self._has(key) else default
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
            self._wrong("out_of_range", key, f"{str(value)[:40]} is not a number that can stand here", "write a number")
            return default
        return float(value)

    def _count(self, key: str, default: int) -> int:
        value = self._number(key, default)
        if value != int(value):
            self._wrong("out_of_range", key, "units are whole", "write a whole number")
        return int(value)

    def _flag(self, key: str) -> bool:
        value = self._value(key) if self._has(key) else False
        if not isinstance(value, bool):
            self._wrong("type_wrong", key, "expected true or false", "write true or false")
        return value is True
