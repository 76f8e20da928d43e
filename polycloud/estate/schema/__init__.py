"""The estate's language, section by section; ``Estate`` is the whole."""

from typing import Literal

from pydantic import Field

from polycloud.estate.scalars import ModelName, Name, SiteName
from polycloud.estate.schema.base import Part
from polycloud.estate.schema.operations import Alerts, Console, Continuity, Delivery, MoneyRules, Slo, Telemetry
from polycloud.estate.schema.places import Clouds, Cluster, Entry, Link, OnpremSite, Sandbox
from polycloud.estate.schema.rules import Audit, DataClass, EncryptionKey, Identity, Residency, Role, Secret
from polycloud.estate.schema.traffic import Model, Route, Team, Traffic
from polycloud.estate.schema.work import Commitment, Database, Dataset, Phase, Quota, SearchIndex, Store, Workload


class Estate(Part):
    """All that exists and all that must hold, in one value. Times, sizes and money carry their unit."""

    estate: Name = Field(description="The name of the estate.")
    description: str = Field(default="", description="What it is for.")
    environment: Literal["production", "staging", "development"] = Field(
        default="production", description="What it is used as; development and staging may rest and use cheaper links."
    )
    clouds: Clouds = Field(default_factory=Clouds, description="The clouds in use, with their regions.")
    onprem: dict[SiteName, OnpremSite] = Field(default_factory=dict, description="Halls of one's own, by name.")
    sandbox: Sandbox = Field(default_factory=Sandbox, description="Clouds that local simulators answer for.")
    links: dict[Name, Link] = Field(default_factory=dict, description="Connections between sites, by name.")
    clusters: dict[Name, Cluster] = Field(default_factory=dict, description="Kubernetes clusters, by name.")
    entry: Entry | None = Field(default=None, description="How callers all over the world reach the gateways.")
    residency: Residency = Field(
        default_factory=Residency, description="What holds for data where nothing more exact is said."
    )
    data_classes: dict[Name, DataClass] = Field(default_factory=dict, description="Classes of data, by name.")
    models: dict[ModelName, Model] = Field(
        default_factory=dict, description="Models by the name that callers ask for, with their deployments."
    )
    routes: tuple[Route, ...] = Field(
        default=(), description="How requests find their deployment; the first match decides."
    )
    traffic: Traffic = Field(default_factory=Traffic, description="What holds for all live traffic.")
    teams: dict[Name, Team] = Field(default_factory=dict, description="Who calls, by name.")
    stores: dict[Name, Store] = Field(default_factory=dict, description="Object and vector stores, by name.")
    datasets: dict[Name, Dataset] = Field(default_factory=dict, description="Bodies of data, by name.")
    databases: dict[Name, Database] = Field(default_factory=dict, description="Databases with their copies, by name.")
    search: dict[Name, SearchIndex] = Field(default_factory=dict, description="Searches over vector stores, by name.")
    workloads: dict[Name, Workload] = Field(default_factory=dict, description="Work that runs, by name.")
    commitments: dict[Name, Commitment] = Field(
        default_factory=dict, description="What was bought beforehand, by name."
    )
    quotas: dict[Name, Quota] = Field(default_factory=dict, description="What clouds let us use, by name.")
    migration: dict[Name, Phase] = Field(default_factory=dict, description="The phases of a migration, in order.")
    identity: Identity = Field(default_factory=Identity, description="How people and programs prove who they are.")
    roles: dict[Name, Role] = Field(default_factory=dict, description="Who may do what, by the role's name.")
    secrets: dict[Name, Secret] = Field(
        default_factory=dict, description="Where secrets come from, by name; used elsewhere as secret:NAME."
    )
    encryption_keys: dict[Name, EncryptionKey] = Field(
        default_factory=dict, description="Keys that wrap data keys, by name."
    )
    audit: Audit = Field(default_factory=Audit, description="What happens to the record of every decision.")
    slos: dict[Name, Slo] = Field(default_factory=dict, description="Promises about what callers see, by name.")
    continuity: Continuity | None = Field(default=None, description="What must survive the loss of a site or a cloud.")
    money: MoneyRules = Field(default_factory=MoneyRules, description="What it may cost, and who is charged.")
    delivery: Delivery | None = Field(default=None, description="Where rendered files are kept, for Argo CD.")
    telemetry: Telemetry = Field(default_factory=Telemetry, description="Where traces, metrics and logs go.")
    alerts: Alerts = Field(default_factory=Alerts, description="Who is told when something is wrong.")
    console: Console = Field(default_factory=Console, description="The web console and the status page.")

    def site_ids(self) -> tuple[str, ...]:
        """All sites of the estate, ``cloud/region`` and ``onprem/name``, in the order of the file."""
        found = [f"{name}/{region}" for name, cloud in self.clouds.each() for region in cloud.sites]
        return (*found, *(f"onprem/{name}" for name in self.onprem))
