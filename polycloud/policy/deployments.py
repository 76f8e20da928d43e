"""One deployment of the estate as a row: how it is reached, where it may process, what it can, what it costs."""

from collections.abc import Mapping

from polycloud.catalog import Catalog, ModelProfile, UnknownScope
from polycloud.core.money import TokenPrice
from polycloud.core.ports.models import Upstream
from polycloud.estate import Estate
from polycloud.estate.schema import traffic
from polycloud.estate.schema.places import Cloud
from polycloud.policy import addresses, capabilities
from polycloud.policy import tables as flat
from polycloud.policy.findings import Findings, Path, dollars

# The formats that each cloud's adapter speaks, its usual one first.
SPOKEN: dict[str, tuple[str, ...]] = {
    "aws": ("bedrock_converse",),
    "azure": ("openai_chat", "anthropic_messages"),
    "gcp": ("gemini", "anthropic_messages"),
    "oci": ("oci_generic",),
    "onprem": ("openai_chat",),
}
SIMULATED_OPTIONS = {"gcp": {"project": "sandbox"}, "oci": {"compartment": "ocid1.compartment.oc1..sandbox"}}
NOT_RUNNING = "http://sandbox.invalid"  # RFC 6761: never resolves; a simulated site is never called at its real address
ALREADY_PAID = TokenPrice(0, 0, 0, 0)
# How Claude is deployed on Azure: never in one region (platform.claude.com/docs/en/build-with-claude/
# claude-in-microsoft-foundry, learn.microsoft.com/azure/foundry/responsible-ai/claude-models/data-privacy, 2026-11).
FOUNDRY_SCOPES = {"azure": ("global", "datazone:us"), "anthropic": ("global",)}
CLAUDE = "anthropic_messages"
ANTHROPIC_HOSTED = "anthropic"  # a place of which nothing is known: "data might be processed outside of Azure"


class Deployments:
    """Makes the rows of all deployments, in the estate's order, and the models that point at them."""

    def __init__(self, estate: Estate, catalog: Catalog, endpoints: Mapping[str, str], findings: Findings) -> None:
        self._estate = estate
        self._catalog = catalog
        self._endpoints = endpoints
        self._findings = findings
        self._clouds: dict[str, Cloud] = dict(estate.clouds.each())
        self._sites = frozenset(estate.site_ids())

    def all(self) -> tuple[tuple[flat.Deployment, ...], dict[str, flat.Model]]:
        rows: list[flat.Deployment] = []
        models: dict[str, flat.Model] = {}
        for name, model in self._estate.models.items():
            mine: list[int] = []
            for n, deployment in enumerate(model.deployments):
                path: Path = ("models", name, "deployments", n)
                if deployment.at not in self._sites:
                    self._findings.error(
                        "site_unknown", (*path, "at"), f"{deployment.at} is no site of this estate", "add it to clouds"
                    )
                    continue
                same = sum(rows[i].site == deployment.at for i in mine)
                id = f"{deployment.at}/{name}" + (f"#{same + 1}" if same else "")
                mine.append(len(rows))
                rows.append(self._row(id, name, deployment, path))
            for other in model.equivalent:
                if other not in self._estate.models:
                    self._findings.error(
                        "model_unknown",
                        ("models", name, "equivalent"),
                        f"{other!r} is no model here",
                        "declare it in models",
                    )
            models[name] = flat.Model(name, tuple(mine), model.equivalent, model.owner, model.quality)
        return tuple(rows), models

    def _row(self, id: str, name: str, deployment: traffic.Deployment, path: Path) -> flat.Deployment:
        cloud, _, region = deployment.at.partition("/")
        wanted = deployment.model or name
        profile = None if cloud == "onprem" else self._catalog.model(cloud, wanted)
        called = called_name(self._catalog, cloud, name, deployment)
        dialect = self._dialect(cloud, name, deployment, profile, path)
        features = {} if profile is None else dict(profile.features)
        if in_foundry(cloud, wanted, deployment, called):
            self._foundry(region, deployment, path)
            if deployment.hosting != "anthropic":
                features["json_schema"] = False  # structured outputs are refused there, as of the page above
        elif deployment.hosting is not None:
            message = f"hosting is for Claude on Azure, and {wanted} at {deployment.at} is not"
            self._findings.error("hosting_unsupported", (*path, "hosting"), message, "remove it")
        price, source = self._price(cloud, region, deployment, profile, called, path)
        own = profile.upstream_id if profile else deployment.model or ""
        known = own if deployment.upstream is not None else ""
        latitude, longitude = self._position(deployment.at)
        return flat.Deployment(
            id=id,
            site=deployment.at,
            cloud=cloud,
            model=name,
            adapter=cloud,
            upstream=Upstream(
                cloud,
                region,
                self._base_url(cloud, region, deployment, dialect, path),
                called,
                dialect,
                self._options(cloud, deployment, path),
                known,
            ),
            places=self._places(cloud, region, deployment, profile, called, path),
            can=capabilities.can(
                dialect, known or called, features, {str(k): v for k, v in deployment.features.items()}
            ),
            price=price,
            context_tokens=deployment.context_tokens or (profile.context_tokens if profile else None),
            max_output_tokens=deployment.max_output_tokens or (profile.max_output_tokens if profile else None),
            latitude=latitude,
            longitude=longitude,
            credential=self._credential(cloud, region, deployment),
            simulated=self._estate.sandbox.covers(cloud),
            price_source=source,
        )

    def _dialect(
        self, cloud: str, name: str, deployment: traffic.Deployment, profile: ModelProfile | None, path: Path
    ) -> str:
        spoken = SPOKEN[cloud]
        usual = CLAUDE if CLAUDE in spoken and "claude" in (deployment.model or name).lower() else spoken[0]
        dialect = deployment.dialect or (profile.dialect if profile else usual)
        if dialect in spoken:
            return dialect
        self._findings.error(
            "dialect_unsupported",
            path,
            f"{deployment.model or path[1]} at {deployment.at} speaks {dialect}, and polycloud speaks only "
            f"{', '.join(spoken)} there",
            "take another model or cloud, or give dialect: when the model speaks one of these too",
        )
        return spoken[0]

    def _foundry(self, region: str, deployment: traffic.Deployment, path: Path) -> None:
        """Claude is on Azure in a few kinds of deployment only; a profile that is none of them would prove too much."""
        scope = (deployment.profile or "global").removeprefix("profile:")
        offered = FOUNDRY_SCOPES[deployment.hosting or "anthropic"]
        try:
            full = self._catalog.full_scope("azure", region, scope) or scope
        except UnknownScope:
            return  # told where its places are counted
        if full not in offered:
            hosted = f"hosting: {deployment.hosting}" if deployment.hosting else "without hosting"
            message = f"Claude on Azure {hosted} is deployed as {' or '.join(offered)}, not as {scope}"
            self._findings.error("profile_unknown", (*path, "profile"), message, f"give profile: {offered[0]}")

    def _base_url(self, cloud: str, region: str, deployment: traffic.Deployment, dialect: str, path: Path) -> str:
        site = deployment.at
        if site in self._endpoints:
            return self._endpoints[site].rstrip("/")
        if self._estate.sandbox.covers(cloud):
            return NOT_RUNNING
        if cloud == "onprem":
            hall = self._estate.onprem[region]
            if hall.models_at is None:
                self._findings.error(
                    "address_missing", path, f"{site} has no model server", f"give onprem.{region}.models_at"
                )
            return (hall.models_at or "").rstrip("/")
        own = self._clouds[cloud].endpoint
        if own is not None:
            return own.replace("{region}", region).rstrip("/")
        known = self._catalog.region(site)
        partition = known.partition if known else ""
        if cloud == "aws":
            return addresses.aws(region, partition)
        if cloud == "azure":
            azure = self._estate.clouds.azure
            named = azure.resource if azure else "{region}"
            named = named.replace("{region}", region).replace("{estate}", self._estate.estate)
            return addresses.foundry(named, partition) if dialect == CLAUDE else addresses.azure(named, partition)
        if cloud == "gcp":
            return addresses.gcp(location_of(deployment, region))
        return addresses.oci(region, partition or "oc1")

    def _options(self, cloud: str, deployment: traffic.Deployment, path: Path) -> dict[str, str]:
        """What the cloud's adapter asks for beside the address: see ``clouds/<cloud>/models.py``."""
        clouds = self._estate.clouds
        found: dict[str, str] = {}
        if self._estate.sandbox.covers(cloud):
            found.update(SIMULATED_OPTIONS.get(cloud, {}))
        endpoint = deployment.capacity.endpoint if deployment.capacity else None
        if endpoint and cloud in ("aws", "oci"):
            found["endpoint"] = endpoint
        elif endpoint:
            self._findings.error(
                "endpoint_unsupported",
                (*path, "capacity", "endpoint"),
                f"dedicated endpoints are not supported on {cloud} yet",
                "leave endpoint out; on Azure name the provisioned deployment in upstream",
            )
        if cloud == "azure" and clouds.azure is not None and clouds.azure.api == "deployments":
            found |= {"style": "deployments", "api_version": clouds.azure.api_version}
        if cloud == "gcp" and clouds.gcp is not None:
            found["location"] = location_of(deployment, deployment.at.partition("/")[2])
            if clouds.gcp.project:
                found["project"] = clouds.gcp.project
            if "project" not in found:
                self._findings.error("key_missing", ("clouds", "gcp"), "project is missing", "give clouds.gcp.project")
        if cloud == "oci" and clouds.oci is not None:
            if clouds.oci.compartment:
                found["compartment"] = clouds.oci.compartment
            if "compartment" not in found:
                self._findings.error(
                    "key_missing", ("clouds", "oci"), "compartment is missing", "give clouds.oci.compartment"
                )
        return found

    def _places(
        self,
        cloud: str,
        region: str,
        deployment: traffic.Deployment,
        profile: ModelProfile | None,
        called: str,
        path: Path,
    ) -> tuple[str, ...]:
        """Every place that any of its names or its profile leads to: the union, never a choice among them."""
        if cloud == "onprem":
            return (deployment.at,)
        endpoint = (deployment.capacity.endpoint if deployment.capacity else None) or ""
        for arn in (called, endpoint):
            if arn.startswith("arn:") and arn.split(":")[3:4] not in ([region], [""]):
                self._findings.error(
                    "arn_elsewhere", path, f"{arn} does not belong to {deployment.at}", "deploy it at the ARN's region"
                )
        try:
            return processing_places(self._catalog, cloud, region, deployment, profile, called)
        except UnknownScope as unknown:
            known = ", ".join(scope.id for scope in self._catalog.scopes(cloud))
            self._findings.error(
                "places_unknown", path, f"where this may run is not known: {unknown}", f"give profile: one of {known}"
            )
            return (deployment.at,)

    def _price(
        self,
        cloud: str,
        region: str,
        deployment: traffic.Deployment,
        profile: ModelProfile | None,
        called: str,
        path: Path,
    ) -> tuple[TokenPrice, str]:
        """The estate's word, else nothing more to pay for capacity that is bought, else the list price."""
        own = deployment.price
        if own is not None:
            where: Path = (*path, "price")
            read, write = (
                None if a is None else dollars(a, where, self._findings) for a in (own.cache_read, own.cache_write)
            )
            paid = (dollars(own.input, where, self._findings), dollars(own.output, where, self._findings))
            return TokenPrice(*paid, read, write), own.source
        if deployment.capacity is not None and (deployment.capacity.ptu or deployment.capacity.units):
            return ALREADY_PAID, "capacity bought beforehand: no further cost per token"
        if cloud == "onprem":
            return TokenPrice(), ""
        row = self._catalog.price(cloud, profile.upstream_id if profile else called, deployment.profile or region)
        return (TokenPrice(), "") if row is None else (row.price, f"{row.source}, {row.as_of}")

    def _credential(self, cloud: str, region: str, deployment: traffic.Deployment) -> str:
        """``<cloud>:<reference>``: environment, secret:NAME or sandbox; "" for a server that asks for none."""
        if self._estate.sandbox.covers(cloud):
            return f"{cloud}:sandbox"
        general = self._estate.onprem[region].credentials if cloud == "onprem" else self._clouds[cloud].credentials
        reference = deployment.credentials or general
        return "" if reference == "none" else f"{cloud}:{reference}"

    def _position(self, site: str) -> tuple[float | None, float | None]:
        cloud, _, name = site.partition("/")
        if cloud == "onprem":
            hall = self._estate.onprem[name]
            return hall.lat, hall.lon
        known = self._catalog.site(site)
        return (None, None) if known is None else (known.latitude, known.longitude)


def location_of(deployment: traffic.Deployment, region: str) -> str:
    """The Vertex AI location that is called: a cross-region profile is an endpoint of its own there."""
    return (deployment.profile or region).removeprefix("profile:")


def in_foundry(cloud: str, wanted: str, deployment: traffic.Deployment, called: str) -> bool:
    """Whether this is Claude on Azure, whatever its deployment is called there."""
    return cloud == "azure" and (deployment.dialect == CLAUDE or "claude" in f"{wanted} {called}".lower())


def called_name(catalog: Catalog, cloud: str, name: str, deployment: traffic.Deployment) -> str:
    """The name that the provider is called with.

    Azure and own servers are called by the name of the deployment there; Bedrock's cross-region
    profiles are a prefix of the model's id.
    """
    wanted = deployment.model or name
    if deployment.upstream is not None:
        return deployment.upstream
    profile = None if cloud in ("azure", "onprem") else catalog.model(cloud, wanted)
    if profile is None:
        return wanted
    if cloud != "aws":
        return profile.upstream_id
    try:
        scope = catalog.scope_of(cloud, wanted) or (deployment.profile or "").removeprefix("profile:")
    except UnknownScope:
        return wanted  # its places are refused elsewhere, with the reason
    return f"{scope}.{profile.upstream_id}" if scope else profile.upstream_id


def processing_places(
    catalog: Catalog,
    cloud: str,
    region: str,
    deployment: traffic.Deployment,
    profile: ModelProfile | None,
    called: str,
) -> tuple[str, ...]:
    """All site ids where a request to this deployment may be processed, the called one first. Raises UnknownScope."""
    scope = deployment.profile or ""
    foundry = in_foundry(cloud, profile.name if profile else deployment.model or "", deployment, called)
    if foundry and not catalog.full_scope(cloud, region, scope):
        scope = "global"
    found = dict.fromkeys((f"{cloud}/{region}", ANTHROPIC_HOSTED) if foundry and deployment.hosting != "azure" else ())
    found.update(dict.fromkeys(catalog.places(cloud, region, "", scope)))
    ids = [called, profile.upstream_id if profile else "", deployment.model or ""]
    if deployment.capacity is not None and deployment.capacity.endpoint:
        ids.append(deployment.capacity.endpoint)
    for id in filter(None, ids):
        if scope and ":application-inference-profile/" in id:
            continue  # such an ARN does not say where it leads; the estate does, by its profile
        found.update(dict.fromkeys(catalog.places(cloud, region, id)))
    return tuple(found)
