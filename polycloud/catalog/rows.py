"""The rows of the catalogue as typed values: what a look-up answers with.

Blank in a table is None here and means unknown; nothing is filled in by guess.
"""

import datetime

import msgspec

from polycloud.core.money import TokenPrice


class Source(msgspec.Struct, frozen=True):
    """Where facts come from. ``as_of`` is the date as the source states it (a day, a month or a year)."""

    id: str
    upstream: str
    path: str
    version: str
    as_of: str
    licence: str
    note: str = ""


class Jurisdiction(msgspec.Struct, frozen=True):
    """A body of data-protection law. ``members`` are ISO 3166 codes: countries (``DE``) or parts (``US-CA``).

    ``transfer_class``: ``free``, ``safeguards`` (adequacy or safeguards) or ``localisation``.
    Hand-made from the laws named in ``law_source``; not legal advice.
    """

    id: str
    name: str
    short: str
    law: str
    members: tuple[str, ...]
    in_force: datetime.date | None
    transfer_class: str
    transfer_rule: str
    note: str
    law_source: str
    source: str
    as_of: str


class Adequacy(msgspec.Struct, frozen=True):
    """One jurisdiction's finding that a country protects personal data well enough.

    ``to_country`` is ISO 3166-1 alpha-2, or ``EEA`` for every member of ``eu``; ``condition`` narrows the finding.
    """

    from_jurisdiction: str
    to_country: str
    year: int | None
    decision: str
    condition: str
    status: str
    source: str
    as_of: str

    @property
    def in_force(self) -> bool:
        return self.status.startswith("in force")

    @property
    def needs_certificate(self) -> bool:
        """Whether it holds only for recipients that are certified under a framework."""
        return "certified" in self.condition or "Framework" in self.condition


class Region(msgspec.Struct, frozen=True):
    """One region of a cloud. ``country`` is ISO 3166-1 alpha-2, blank where not published.

    ``subdivision`` is ISO 3166-2 where a law of that part is in the tables.
    ``kind``: commercial, government, sovereign, china, dedicated (one customer or partner) or secret.
    ``status``: ``ga``, ``preview``, ``restricted``, or ``listed`` (identifier published, opening not confirmed).
    ``operator`` is the company that runs the region, blank where not known.
    """

    cloud: str
    region: str
    name: str
    city: str
    country: str
    subdivision: str
    latitude: float | None
    longitude: float | None
    kind: str
    partition: str
    status: str
    operator: str
    source: str
    as_of: str


class Scope(msgspec.Struct, frozen=True):
    """A way to be served across regions: Bedrock inference profile, Azure global or data zone, Vertex multi-region.

    ``regions`` are all regions of the cloud where such a request may be processed, ``("*",)`` for every
    commercial one; the region that is called belongs to them in any case. An ``id`` that is a region's name
    is an endpoint without a promise to stay there; ``models`` is a pattern over upstream ids that do not stay
    anywhere. ``note`` says where the vendor gives no exact set and a larger one stands here.
    """

    cloud: str
    id: str
    models: str
    regions: tuple[str, ...]
    source: str
    as_of: str
    note: str = ""


class ModelProfile(msgspec.Struct, frozen=True):
    """What one cloud offers under a public model name. None and blank mean unknown.

    ``upstream_id`` is what the cloud calls it when a request stays in one region; several dated ids may
    share a ``name``. ``scopes`` are the cross-region scopes known for it; ``regional`` is False when the
    source lists it under such scopes only. ``features`` hold what is known to work or not to work: the
    names of ``reading.FEATURES``. ``deprecation`` is the date after which the provider may refuse it.
    ``usable`` is False where no adapter of this version speaks ``dialect`` on this cloud.
    """

    cloud: str
    name: str
    upstream_id: str
    dialect: str
    scopes: tuple[str, ...] = ()
    regional: bool = True
    features: dict[str, bool] = {}
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    modalities_in: tuple[str, ...] = ()
    modalities_out: tuple[str, ...] = ()
    deprecation: datetime.date | None = None
    usable: bool = True
    source: str = ""
    as_of: str = ""

    def can(self, feature: str) -> bool | None:
        """Whether the feature is known to work; None when nothing is known."""
        return self.features.get(feature)


class PriceRow(msgspec.Struct, frozen=True):
    """A list price before tax and discounts, in integer micro-dollars per million tokens.

    ``scope`` is a region, ``profile:<scope>``, or "" for every region that has no row of its own.
    ``long`` holds from ``long_from_tokens`` input tokens on, for the whole request. ``free`` is True only for
    a row listed in free.csv: everywhere else 0 is unknown and stands as None.
    """

    cloud: str
    upstream_id: str
    scope: str
    price: TokenPrice
    source: str
    as_of: str
    batch_input: int | None = None
    batch_output: int | None = None
    long: TokenPrice | None = None
    long_from_tokens: int | None = None
    free: bool = False


class Facts(msgspec.Struct, frozen=True):
    """All tables, read."""

    regions: tuple[Region, ...]
    jurisdictions: tuple[Jurisdiction, ...]
    adequacy: tuple[Adequacy, ...]
    scopes: tuple[Scope, ...]
    models: tuple[ModelProfile, ...]
    prices: tuple[PriceRow, ...]
    sources: tuple[Source, ...]
