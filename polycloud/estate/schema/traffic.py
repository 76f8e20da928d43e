"""Live model traffic: models with their deployments, the routes to them, and the teams that call."""

from typing import Literal

from pydantic import Field

from polycloud.estate.scalars import (
    Amount,
    CallerRegion,
    ClassRef,
    CommitmentRef,
    Count,
    Credentials,
    Deadline,
    Fraction,
    Identifier,
    ModelName,
    ModelRef,
    Name,
    PositiveCount,
    Rate,
    Ratio,
    SiteId,
    SitePattern,
    Texts,
)
from polycloud.estate.schema.base import Part
from polycloud.estate.schema.places import AdapterName

Feature = Literal[
    "tools",
    "tool_choice",
    "serial_tools",
    "json_object",
    "json_schema",
    "reasoning",
    "seed",
    "stop",
    "top_k",
    "penalties",
    "prompt_cache",
    "images",
    "other_media",
    "logprobs",
    "multiple",
    "stream",
    "temperature",
    "openai_extras",
    "anthropic_extras",
    "native_tools",
    "native_content",
    "five_stops",
    "many_stops",
]
DialectName = Literal["openai_chat", "anthropic_messages", "bedrock_converse", "gemini", "oci_generic"]


class Price(Part):
    """A negotiated or own price, per million tokens; it stands above the catalogue's."""

    input: Amount = Field(description="Per million input tokens, such as 2.50 USD.")
    output: Amount = Field(description="Per million output tokens.")
    cache_read: Amount | None = Field(default=None, description="Per million input tokens read from the prompt cache.")
    cache_write: Amount | None = Field(
        default=None, description="Per million input tokens written to the prompt cache."
    )
    source: str = Field(description="Where the price is from and of when: contract 4711, 2026-11.")


class Capacity(Part):
    """Capacity that is bought beforehand; it is filled before pay-as-you-go."""

    ptu: PositiveCount | None = Field(default=None, description="Azure provisioned throughput units.")
    units: PositiveCount | None = Field(
        default=None, description="Units of a dedicated cluster or of provisioned throughput."
    )
    endpoint: Identifier | None = Field(
        default=None, description="The dedicated endpoint: an OCID at OCI, an ARN at AWS, an endpoint id at Vertex."
    )
    commitment: CommitmentRef | None = Field(default=None, description="The entry of commitments: that pays for it.")


class Deployment(Part):
    """One model at one site."""

    at: SiteId = Field(description="The site that is called, such as azure/westeurope.")
    model: ModelName | None = Field(
        default=None,
        description="The model's name in the catalogue, or the provider's own id; none: the name used here.",
    )
    upstream: ModelName | None = Field(
        default=None,
        description="The name that the provider is called with when it differs: an Azure deployment, the name that "
        "an own server serves the model under.",
    )
    profile: str | None = Field(
        default=None,
        description="Cross-region processing: eu, us, apac, global (Bedrock), datazone:eu or global (Azure), "
        "global (Vertex). Residency counts every place it may run in.",
    )
    hosting: Literal["azure", "anthropic"] | None = Field(
        default=None,
        description="Claude on Azure: whose machines it runs on, as chosen when it was deployed. azure: profile says "
        "where, global or datazone:us. anthropic, or not given: where is not known, so no data class with limits "
        "holds it.",
    )
    capacity: Capacity | None = Field(default=None, description="Bought capacity; none: pay as you go.")
    price: Price | None = Field(default=None, description="A price that stands above the catalogue's.")
    features: dict[Feature, bool] = Field(
        default_factory=dict,
        description="What it can and can not do, where it differs from the catalogue: {tools: true}.",
    )
    context_tokens: PositiveCount | None = Field(default=None, description="The context window, in tokens.")
    max_output_tokens: PositiveCount | None = Field(default=None, description="The longest answer, in tokens.")
    dialect: DialectName | None = Field(
        default=None, description="The wire format, where it differs from the catalogue's."
    )
    credentials: Credentials | None = Field(
        default=None, description="Credentials for this deployment; none: the cloud's."
    )


class Model(Part):
    """A name that callers ask for, and where it is served."""

    deployments: tuple[Deployment, ...] = Field(min_length=1, description="Where it is served, in order of liking.")
    aliases: tuple[ModelName, ...] = Field(default=(), description="Other names that mean this model.")
    equivalent: tuple[ModelRef, ...] = Field(
        default=(),
        description="Models that may answer in its place where the route says fallback: equivalent, best first.",
    )
    quality: Fraction | None = Field(default=None, description="How good its answers are, 0 to 1, for quality floors.")
    owner: str = Field(default="", description="Who made the model, such as openai; shown in the models list.")
    trained_on: tuple[ClassRef, ...] = Field(
        default=(), description="Data classes it was trained on: it must stay where they stay."
    )
    description: str = Field(default="", description="What it is for.")


class Match(Part):
    """Which requests a route is for."""

    model: Texts = Field(description="Names or patterns of models, aliases or tiers: gpt-* or [gpt-*, o3].")


class Limits(Part):
    """Deadlines and bounds of a request."""

    connect: Deadline | None = Field(default=None, description="To reach the provider; 2s when not given.")
    header: Deadline | None = Field(default=None, description="To the first byte of the answer; 60s when not given.")
    idle: Deadline | None = Field(default=None, description="Between two pieces of a stream; 30s when not given.")
    total: Deadline | None = Field(default=None, description="For the whole answer; 10m when not given.")
    attempts: PositiveCount | None = Field(
        default=None, description="Tries in all, over all targets; 4 when not given."
    )


class Route(Part):
    """How matching requests find their deployment. The first route that matches decides."""

    name: Name | None = Field(default=None, description="The route's name in records and explanations; none: route-N.")
    match: Match | None = Field(
        default=None, description="Which requests it is for; none: those that ask for its tier's name."
    )
    tier: Name | None = Field(
        default=None, description="A tier's name, such as economy, that callers ask for like a model."
    )
    models: tuple[ModelRef, ...] = Field(
        default=(), description="The models of the tier; empty: the model that was asked for."
    )
    quality_floor: Fraction | None = Field(
        default=None, description="Only models whose quality is at least this, 0 to 1."
    )
    cap: Amount | None = Field(
        default=None, description="The highest expected cost per 1,000 tokens, such as 0.02 USD."
    )
    at: tuple[SitePattern, ...] = Field(default=(), description="Only at these sites, as patterns; empty: any.")
    prefer: Literal["cost", "near", "order"] = Field(
        default="cost",
        description="What comes first among the eligible: the cheapest, the nearest to the caller, or as listed.",
    )
    shares: dict[SiteId, Ratio] = Field(
        default_factory=dict,
        description="Share of the requests per site, in %: {aws/us-east-1: 60 %, gcp/us-central1: 40 %}.",
    )
    failover_shares: dict[SiteId, dict[SiteId, Ratio]] = Field(
        default_factory=dict,
        description="By the site that is lost: the shares of the others. Not given: the rest in proportion.",
    )
    fallback: Literal["none", "same-model", "equivalent"] = Field(
        default="same-model",
        description="Who may answer when a target fails: nobody, the same model elsewhere, or an equivalent.",
    )
    unsupported: Literal["reroute", "degrade", "refuse"] = Field(
        default="reroute",
        description="When a target can not do what is asked: take one that can, leave it out and say so, or refuse.",
    )
    data_class: ClassRef | None = Field(
        default=None, alias="class", description="The data class of every request on this route."
    )
    retry_filtered: bool = Field(
        default=False, description="Whether an answer stopped by a content filter may be asked for elsewhere."
    )
    limits: Limits | None = Field(default=None, description="Deadlines and bounds; none: those of traffic.")

    @property
    def patterns(self) -> tuple[str, ...]:
        """The names and patterns that it is asked by."""
        if self.match is not None:
            return self.match.model
        return () if self.tier is None else (self.tier,)


class Traffic(Part):
    """What holds for all live traffic."""

    shares: dict[SiteId, Ratio] = Field(
        default_factory=dict,
        description="The share of all traffic that each site should carry, shown beside the measured; "
        "active-active work without shares of its own is planned by it.",
    )
    limits: Limits | None = Field(default=None, description="Deadlines and bounds where a route names none.")


class SpendLimit(Part):
    """An amount per time."""

    limit: Amount = Field(description="The most to be spent, such as 5000 USD.")
    per: Literal["day", "week", "month", "quarter", "year"] = Field(default="month", description="In which time.")
    alert_at: tuple[Ratio, ...] = Field(
        default=(), description="Shares of it that raise an alert, such as [80 %, 100 %]."
    )
    stop: bool = Field(default=False, description="Whether requests are refused when it is spent.")


class Team(Part):
    """Who calls. Keys belong to a team; they are made with `polycloud keys` and never stand in an estate."""

    models: tuple[str, ...] = Field(
        default=("*",), description="Names or patterns of models, aliases and tiers it may use."
    )
    classes: tuple[ClassRef, ...] = Field(
        default=(), description="Data classes that hold for every request of the team."
    )
    rate: Rate | None = Field(default=None, description="Requests per time, such as 600/m.")
    tokens: Rate | None = Field(default=None, description="Tokens per time, such as 2_000_000/m.")
    concurrency: PositiveCount | None = Field(default=None, description="Requests at the same time.")
    region: CallerRegion | None = Field(
        default=None, description="Where its callers are, a site or a country, when they do not say."
    )
    budget: SpendLimit | None = Field(default=None, description="What it may spend.")
    owner: str = Field(default="", description="Who answers for it.")
    cost_centre: Identifier | None = Field(default=None, description="The cost centre that is charged.")
    project: Identifier | None = Field(default=None, description="The project that is charged.")
    priority: Count = Field(default=0, description="Who is served first when capacity is short: higher first.")
    knows: tuple[AdapterName, ...] = Field(
        default=(), description="Clouds that its people know well; empty: all. See money.complexity."
    )
