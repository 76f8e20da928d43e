"""Where things can be: clouds with their sites, halls of one's own, the sandbox, and the links between them."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema
from pydantic.functional_validators import BeforeValidator

from polycloud.estate.scalars import (
    Amount,
    ApiVersion,
    Bandwidth,
    Count,
    Country,
    Credentials,
    Duration,
    FormerNames,
    HostName,
    Identifier,
    LinkRef,
    Name,
    PoolRef,
    PositiveCount,
    ProjectId,
    Ratio,
    ResourceName,
    SiteId,
    SiteName,
    SitePatterns,
    Size,
    TeamRef,
    Url,
    UrlPath,
    finding,
)
from polycloud.estate.schema.base import Part

CloudName = Literal["aws", "azure", "gcp", "oci"]
AdapterName = Literal["aws", "azure", "gcp", "oci", "onprem"]
Rank = Literal["primary", "secondary", "tertiary"]


class SiteNetwork(Part):
    """The private network of a site, where it can not be chosen freely."""

    cidr: str | None = Field(
        default=None, description="Its addresses, a private /16 such as 10.20.0.0/16; none: chosen at the first render."
    )
    existing: Identifier | None = Field(
        default=None, description="The network is there already: its id, such as vpc-0123abcd. Needs its cidr."
    )


class Cloud(Part):
    """One cloud that the estate uses."""

    role: Rank | None = Field(
        default=None,
        description="The cloud's rank: at most one is primary. Any cloud can be; it leads where nothing else decides.",
    )
    sites: tuple[SiteName, ...] = Field(
        min_length=1, description="The regions in use, by the cloud's own names: [us-east-1, eu-west-1]."
    )
    credentials: Credentials = Field(
        default="environment",
        description="How we prove who we are: environment (the cloud's own chain: variables, files, workload identity) "
        "or secret:NAME (an API key or bearer token).",
    )
    endpoint: Url | None = Field(
        default=None,
        description="Another address for the model service, such as a private endpoint; {region} stands for its name.",
    )
    networks: dict[SiteName, SiteNetwork] = Field(
        default_factory=dict,
        description="Networks by region, where their addresses are given or they are there already: "
        "{eu-west-1: {cidr: 10.20.0.0/16, existing: vpc-0123abcd}}.",
    )


class AwsCloud(Cloud):
    """Amazon Web Services: models by Bedrock."""

    account: Identifier | None = Field(default=None, description="The account number, 12 digits.")


class AzureCloud(Cloud):
    """Microsoft Azure: models by Azure OpenAI and Foundry."""

    subscription: Identifier | None = Field(default=None, description="The subscription id.")
    tenant: Identifier | None = Field(default=None, description="The Entra tenant id.")
    resource: ResourceName = Field(
        default="{estate}-{region}",
        description="The name of the AI resource in each region; {region} and {estate} stand for their names.",
    )
    existing: dict[SiteName, Identifier] = Field(
        default_factory=dict, description="AI resources that are there already, by region: their ids, /subscriptions/…."
    )
    api: Literal["v1", "deployments"] = Field(
        default="v1",
        description="Which paths to call: v1 (/openai/v1) or deployments (/openai/deployments/NAME, dated).",
    )
    api_version: ApiVersion = Field(
        default="2024-10-21", description="The api-version of the deployments paths; not used with v1."
    )


class GcpCloud(Cloud):
    """Google Cloud: models by Vertex AI."""

    project: ProjectId | None = Field(default=None, description="The project id.")


class OciCloud(Cloud):
    """Oracle Cloud: models by Generative AI."""

    tenancy: Identifier | None = Field(default=None, description="The tenancy OCID.")
    home_region: SiteName | None = Field(
        default=None,
        description="The tenancy's home region, where its policies are made; none: Terraform asks for it.",
    )
    compartment: Identifier | None = Field(default=None, description="The compartment OCID that calls are made in.")
    namespace: Identifier | None = Field(default=None, description="The Object Storage namespace.")


class Clouds(Part):
    """The clouds in use, each at most once."""

    aws: AwsCloud | None = Field(default=None, description="Amazon Web Services.")
    azure: AzureCloud | None = Field(default=None, description="Microsoft Azure.")
    gcp: GcpCloud | None = Field(default=None, description="Google Cloud.")
    oci: OciCloud | None = Field(default=None, description="Oracle Cloud.")

    def each(self) -> Iterator[tuple[CloudName, Cloud]]:
        """The clouds that are declared, with their names, in the order of the alphabet."""
        names: tuple[CloudName, ...] = ("aws", "azure", "gcp", "oci")
        found: dict[CloudName, Cloud | None] = {
            "aws": self.aws,
            "azure": self.azure,
            "gcp": self.gcp,
            "oci": self.oci,
        }
        for name in names:
            cloud = found[name]
            if cloud is not None:
                yield name, cloud


class OnpremSite(Part):
    """A hall of one's own; its site id is onprem/NAME."""

    country: Country | None = Field(
        default=None, description="Where the hall stands, ISO 3166-1 alpha-2. Residency needs it."
    )
    lat: Annotated[float, Field(ge=-90, le=90)] | None = Field(
        default=None, description="Latitude in degrees, north positive."
    )
    lon: Annotated[float, Field(ge=-180, le=180)] | None = Field(
        default=None, description="Longitude in degrees, east positive."
    )
    operator: str = Field(default="", description="Who runs the hall, for rules that name operators; empty: ourselves.")
    accelerators: dict[Name, PositiveCount] = Field(
        default_factory=dict, description="Accelerators installed, by kind: {H100: 16}."
    )
    models_at: Url | None = Field(
        default=None, description="The OpenAI-compatible server of this hall, with its path: http://10.0.0.5:8000/v1."
    )
    credentials: Credentials = Field(
        default="none", description="The server's bearer token as secret:NAME, or none when it asks for none."
    )
    objects_at: Url | None = Field(default=None, description="The S3-compatible object store of this hall.")
    cost_per_hour: Amount | None = Field(
        default=None, description="What one accelerator costs per hour, power and space included."
    )
    vcpus: PositiveCount | None = Field(default=None, description="Virtual processors installed for general work.")
    memory: Size | None = Field(
        default=None, description="Memory installed with them; work that needs more of it takes more of them."
    )
    cost_per_vcpu_hour: Amount | None = Field(
        default=None, description="What one of them costs per hour, memory included."
    )
    storage: Size | None = Field(default=None, description="What its object store holds.")
    cost_per_gb_month: Amount | None = Field(default=None, description="What a gigabyte kept there costs a month.")
    cost_per_gb_out: Amount | None = Field(
        default=None, description="What a gigabyte sent out over the internet costs; none: nothing."
    )


def _cloud_list(value: object) -> object:
    if value == "all":
        return ("aws", "azure", "gcp", "oci", "onprem")
    if value == "none":
        return ()
    if isinstance(value, str):
        raise finding("choice_unknown", f"{value!r} is not all, none or a list", "write all, none, or [aws, gcp]")
    return tuple(value) if isinstance(value, list) else value


_CLOUD_LIST_SCHEMA: dict[str, object] = {
    "anyOf": [
        {"enum": ["all", "none"]},
        {"type": "array", "items": {"enum": ["aws", "azure", "gcp", "oci", "onprem"]}},
    ]
}


class Sandbox(Part):
    """Clouds that local simulators answer for: no account needed, and every answer says that it is simulated."""

    clouds: Annotated[tuple[AdapterName, ...], BeforeValidator(_cloud_list), WithJsonSchema(_CLOUD_LIST_SCHEMA)] = (
        Field(default=(), description="Which clouds are simulated: all, none, or a list such as [aws, onprem].")
    )
    seed: Count = Field(default=1, description="Answers, latencies and faults follow from this number alone.")
    key: Name | None = Field(
        default=None,
        description="A gateway key for trying things out, such as pk-demo; refused on any address but loopback.",
    )
    team: TeamRef | None = Field(default=None, description="The team that the sandbox key belongs to.")

    def covers(self, cloud: str) -> bool:
        """Whether a local simulator answers for ``cloud`` (aws, azure, gcp, oci or onprem)."""
        return cloud in self.clouds


LinkKind = Literal[
    "internet", "vpn", "direct-connect", "expressroute", "fastconnect", "interconnect", "azure-oci", "exchange"
]


class Link(Part):
    """A connection between two sites."""

    between: tuple[SiteId, SiteId] = Field(description="The two sites: [aws/us-east-1, gcp/us-central1].")
    via: LinkKind = Field(description="What the link is made of.")
    bandwidth: Bandwidth | None = Field(default=None, description="What it carries, such as 10 Gbps.")
    latency: Duration | None = Field(default=None, description="Round-trip time when known, such as 2ms.")
    sla: Ratio | None = Field(default=None, description="The availability promised, such as 99.99 %.")
    cost_per_month: Amount | None = Field(default=None, description="What it costs a month whether used or not.")
    cost_per_gb: Amount | None = Field(default=None, description="What each gigabyte costs on it.")
    backup: LinkRef | None = Field(default=None, description="The link that takes over when this one fails.")
    provider: str = Field(default="", description="Who provides it, such as Megaport or Equinix.")
    was: FormerNames = Field(default=(), description="What it was called before, the last name first.")


class NodePool(Part):
    """Machines of one kind in a cluster."""

    machine: str | None = Field(
        default=None, description="The cloud's machine type, such as m7i.2xlarge; none: chosen by placement."
    )
    accelerator: Name | None = Field(default=None, description="The accelerator of each machine, such as H100.")
    min: Count | None = Field(
        default=None, description="The fewest machines; none: 3 for system, 5 for workload, 0 for the others."
    )
    max: PositiveCount | None = Field(
        default=None, description="The most machines; none: 3 for system, 50 for workload, 10 for gpu, or min."
    )
    spot: bool = Field(default=False, description="Whether interruptible machines may be used.")
    existing: Identifier | None = Field(
        default=None, description="The pool is there already: its id in the cloud, at AWS its node group's name."
    )
    was: FormerNames = Field(default=(), description="What it was called before, the last name first.")


class Cluster(Part):
    """A Kubernetes cluster at a site."""

    at: SiteId = Field(description="Where the cluster runs.")
    version: str | None = Field(default=None, description='The Kubernetes version in quotes, such as "1.35".')
    pools: dict[Name, NodePool] = Field(
        default_factory=dict,
        description="Machine pools by name. Of system, workload and gpu the usual is taken where nothing is said; a "
        "cluster that is there already has the pools that are named here alone.",
    )
    existing: Identifier | None = Field(
        default=None, description="The cluster is there already: its id in the cloud, at AWS its name."
    )
    was: FormerNames = Field(default=(), description="What it was called before, the last name first.")


class Pool(Part):
    """Sites that answer for one part of the world."""

    sites: SitePatterns = Field(description="Site patterns of the pool, such as [aws/eu-*, gcp/europe-west1].")
    fallback: tuple[PoolRef, ...] = Field(
        default=(), description="Pools that take over, in this order, when all its sites are down."
    )


class Entry(Part):
    """How callers reach the gateways: one name, answered by the nearest healthy pool that the law allows."""

    hostname: HostName = Field(description="The public name, such as ai.example.com.")
    provider: Literal["cloudflare", "akamai", "dns"] = Field(
        default="cloudflare", description="Who steers the callers."
    )
    zone: Identifier | None = Field(default=None, description="The provider's zone id.")
    account: Identifier | None = Field(default=None, description="The provider's account id.")
    credentials: Credentials = Field(default="environment", description="The provider's API token as secret:NAME.")
    affinity: Duration | None = Field(default=None, description="How long a caller stays with a pool, such as 30m.")
    health_path: UrlPath = Field(default="/healthz", description="The path that health checks ask.")
    pools: dict[Name, Pool] = Field(default_factory=dict, description="Pools of sites by name.")
