"""Prices and figures of one's own beside those of machines: they override the catalogue's rows, or add to them."""

from typing import Annotated, Literal

from pydantic import Field

from polycloud.estate.scalars import Amount, Bandwidth, Duration, Name, Ratio, SiteId, SitePattern, Size
from polycloud.estate.schema.base import Part
from polycloud.estate.schema.places import LinkKind


class OwnStep(Part):
    """What a gigabyte costs from a monthly volume on."""

    start: Size = Field(alias="from", description="The volume above which it holds, such as 10 TB.")
    per_gb: Amount = Field(description="Each gigabyte above it.")


class OwnStorage(Part):
    """What storage costs where a pattern fits."""

    at: SitePattern = Field(description="The sites where it holds, as a pattern.")
    tier: Literal["hot", "warm", "cold", "archive"] = Field(default="hot", description="Which tier.")
    per_gb_month: Amount = Field(description="Keeping a gigabyte for a month.")
    steps: tuple[OwnStep, ...] = Field(default=(), description="Prices of what is more, by volume.")
    read_back: Amount | None = Field(default=None, description="Reading a gigabyte back; none: as listed.")
    put_per_1000: Amount | None = Field(default=None, description="A thousand writes; none: as listed.")
    get_per_1000: Amount | None = Field(default=None, description="A thousand reads; none: as listed.")


class OwnEgress(Part):
    """What a gigabyte costs from one site to another."""

    start: SitePattern = Field(alias="from", description="The sites that it leaves, as a pattern.")
    to: Annotated[str, Field(max_length=200)] = Field(
        description="The site that it goes to, or: internet, other-region (of the same cloud)."
    )
    per_gb: Amount = Field(description="Each gigabyte.")
    steps: tuple[OwnStep, ...] = Field(default=(), description="Prices of what is more, by volume a month.")


class OwnRoundTrip(Part):
    """A round trip that was measured."""

    between: tuple[SiteId, SiteId] = Field(description="The two sites.")
    time: Duration = Field(description="The time there and back, such as 12ms.")


class OwnCarbon(Part):
    """How clean power is."""

    at: SitePattern = Field(description="The sites where it holds, as a pattern.")
    grams_per_kwh: Annotated[float, Field(ge=0, le=1500)] = Field(description="CO2 equivalent of a kilowatt-hour.")


class OwnInterruption(Part):
    """How often a spot machine is reclaimed."""

    at: SitePattern = Field(description="The sites where it holds, as a pattern.")
    machine: str = Field(description="The machine type, by the cloud's own name.")
    per_month: Ratio = Field(description="The share that is reclaimed in a month, such as 7 %.")


class OwnLinkOffer(Part):
    """A link, or a part of one, on offer between sites of two patterns."""

    name: Name = Field(description="What it is called.")
    via: LinkKind = Field(description="What it is made of.")
    between: tuple[SitePattern, SitePattern] = Field(description="Sites or clouds: [aws/eu-west-1, oci/*].")
    bandwidth: Bandwidth | None = Field(default=None, description="What it carries, such as 10 Gbps.")
    per_hour: Amount | None = Field(default=None, description="Its port, by the hour.")
    per_gb: Amount | None = Field(default=None, description="Each gigabyte out of either end.")


class OwnRates(Part):
    """Rows of one's own, each before the catalogue's row for the same thing; the last that fits holds."""

    storage: tuple[OwnStorage, ...] = Field(default=(), description="Object storage.")
    egress: tuple[OwnEgress, ...] = Field(default=(), description="Traffic between sites.")
    round_trips: tuple[OwnRoundTrip, ...] = Field(default=(), description="Measured round trips.")
    carbon: tuple[OwnCarbon, ...] = Field(default=(), description="Carbon of power.")
    interruptions: tuple[OwnInterruption, ...] = Field(default=(), description="Spot machines reclaimed.")
    links: tuple[OwnLinkOffer, ...] = Field(default=(), description="Links on offer.")
