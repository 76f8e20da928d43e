"""Do the places exist, and can they be reached: clouds, halls, the sandbox, links, the entry."""

import re
from collections.abc import Sequence

from polycloud.catalog.market import Market
from polycloud.estate.ground import Ground
from polycloud.estate.paths import KeyPath
from polycloud.estate.schema.places import AzureCloud, Cloud, GcpCloud, Link, OciCloud

_BRACED = re.compile(r"\{([^{}]*)\}")

# Lines that a cloud sells: each of these has an end of such a link.
ORACLE = "azure-oci"
SELLERS = {
    ORACLE: frozenset({"azure", "oci"}),
    "direct-connect": frozenset({"aws"}),
    "expressroute": frozenset({"azure"}),
    "fastconnect": frozenset({"oci"}),
}
VPNS_MAX = 32  # Azure takes two /24 of link-local addresses, and a link has sixteen: see the renderer of links


def check_places(ground: Ground) -> None:
    _clouds(ground)
    _halls(ground)
    _sandbox(ground)
    _links(ground)


def _clouds(ground: Ground) -> None:
    primary: list[str] = []
    any_role = False
    for name, cloud in ground.estate.clouds.each():
        any_role = any_role or cloud.role is not None
        if cloud.role == "primary":
            primary.append(name)
        for index, region in enumerate(cloud.sites):
            path: KeyPath = ("clouds", name, "sites", index)
            _known(ground, name, region, path)
            if region in cloud.sites[:index]:
                ground.error("name_twice", path, f"{region} is listed twice", "list each region once")
        _addresses(ground, name, cloud)
        if isinstance(cloud, OciCloud) and cloud.home_region is not None:
            _known(ground, name, cloud.home_region, ("clouds", name, "home_region"))
    for other in primary[1:]:
        message = f"{primary[0]} is primary already, and there is only one"
        ground.error("primary_twice", ("clouds", other, "role"), message, "make one of them secondary or tertiary")
    if any_role and not primary:
        ground.warn("primary_missing", ("clouds",), "clouds have roles, but none is primary", "give one: role: primary")


def _known(ground: Ground, cloud: str, region: str, path: KeyPath) -> None:
    if ground.catalog.site(f"{cloud}/{region}") is None:
        near = ground.catalog.similar(f"region:{cloud}", region)
        fix = f"did you mean {near[0]}?" if near else f"see the regions of {cloud} in the catalogue"
        ground.error("region_unknown", path, f"{cloud} has no region {region!r}", fix)


def _elsewhere(ground: Ground, cloud: str, template: str, sites: Sequence[str]) -> str:
    """The region of the cloud that an address is named after, when that is none of ``sites``; "" otherwise."""
    known = (site.id.partition("/")[2] for site in ground.catalog.sites(cloud))
    named = {region for region in known if re.search(rf"(?<![a-z0-9]){region}(?![a-z0-9])", template)}
    return "" if not named or named & set(sites) else max(named, key=len)


def _addresses(ground: Ground, name: str, cloud: Cloud) -> None:
    """An address without the region in it would send the calls of all regions to one place."""
    templates = {"endpoint": (cloud.endpoint, {"region"})}
    if isinstance(cloud, AzureCloud):
        templates["resource"] = (cloud.resource, {"region", "estate"})
    for key, (template, allowed) in templates.items():
        if template is None:
            continue
        path: KeyPath = ("clouds", name, key)
        words = set(_BRACED.findall(template))
        for word in sorted(words - allowed):
            known = " and ".join(f"{{{one}}}" for one in sorted(allowed))
            ground.error("placeholder_unknown", path, f"{{{word}}} stands for nothing here", f"known: {known}")
        if "region" not in words and len(cloud.sites) > 1:
            message = f"one address for {len(cloud.sites)} regions: calls would not go where the estate says"
            ground.error("address_ambiguous", path, message, "put {region} where the region belongs")
        if elsewhere := _elsewhere(ground, name, template, cloud.sites):
            message = f"the address is named after {elsewhere}, which is none of the sites: residency rests on these"
            say = ground.warn if key == "resource" else ground.error  # a resource may be misnamed, an address not
            say("address_elsewhere", path, message, "write {region}, or list the region under sites")
    if ground.estate.sandbox.covers(name) or not _used(ground, name):
        return
    if isinstance(cloud, GcpCloud) and cloud.project is None:
        ground.error("key_missing", ("clouds", name), "calls to Vertex AI name a project", "add project: PROJECT_ID")
    if isinstance(cloud, OciCloud) and cloud.compartment is None:
        message = "calls to Generative AI name a compartment"
        ground.error("key_missing", ("clouds", name), message, "add compartment: OCID")


def _used(ground: Ground, cloud: str) -> bool:
    return any(d.at.startswith(cloud + "/") for d in ground.deployments(ground.estate.models))


def _halls(ground: Ground) -> None:
    serving = {d.at for d in ground.deployments(ground.estate.models)}
    for name, hall in ground.estate.onprem.items():
        path: KeyPath = ("onprem", name)
        if hall.country is None:
            message = "without a country no data class can say whether data may be here"
            ground.error("country_missing", path, message, "add country: DE (its ISO 3166-1 code)")
        elif not ground.catalog.jurisdictions_of(hall.country):
            message = f"the catalogue knows no data protection law for {hall.country}"
            ground.warn("country_unknown", (*path, "country"), message, "check the code")
        if (hall.lat is None) != (hall.lon is None):
            missing = "lat" if hall.lat is None else "lon"
            ground.error("key_missing", path, "a position is lat and lon", f"add {missing}:")
        if f"onprem/{name}" in serving and hall.models_at is None and not ground.estate.sandbox.covers("onprem"):
            message = "models are served here, but not where"
            ground.error("key_missing", path, message, "add models_at: http://HOST:PORT/v1")


def _sandbox(ground: Ground) -> None:
    sandbox = ground.estate.sandbox
    if sandbox.key is not None and sandbox.team is None:
        known = ", ".join(sorted(ground.estate.teams)) or "none is declared"
        ground.error("key_missing", ("sandbox",), "the sandbox key belongs to no team", f"add team: (teams: {known})")
    used = [name for name, _ in ground.estate.clouds.each()] + (["onprem"] if ground.estate.onprem else [])
    real = [name for name in used if not sandbox.covers(name)]
    if sandbox.key is not None and real:
        message = f"{sandbox.key} is refused, because {', '.join(real)} would be called for real"
        ground.warn("sandbox_key_idle", ("sandbox", "key"), message, "simulate all clouds, or remove the key")


def _meets(ground: Ground, link: Link, path: KeyPath) -> None:
    """Azure and Oracle Cloud are joined in some places only: by Oracle's regions, each with Azure's beside it."""
    pairs = {row.sites_b[0]: row.sites_a[0] for row in Market.load().links(ORACLE)}
    end = next(site for site in link.between if site.startswith("oci/"))
    if end not in pairs:
        message = f"{ORACLE} is not sold at {end}"
        fix = "take vpn or exchange, or one of " + ", ".join(f"{pairs[site]} and {site}" for site in sorted(pairs))
        ground.error("link_elsewhere", (*path, "via"), message, fix)


def _links(ground: Ground) -> None:
    for name, link in ground.estate.links.items():
        path: KeyPath = ("links", name)
        if link.between[0] == link.between[1]:
            ground.error("link_circular", (*path, "between"), "both ends are the same site", "name two sites")
        if link.backup == name:
            ground.error("link_circular", (*path, "backup"), "a link can not back itself up", "name another link")
        lacking = SELLERS.get(link.via, frozenset()) - {site.partition("/")[0] for site in link.between}
        if lacking:
            message = f"{link.via} begins or ends at {' and at '.join(sorted(lacking))}, where this link has no site"
            ground.error("link_elsewhere", (*path, "via"), message, "take vpn, interconnect or exchange")
        elif link.via == ORACLE:
            _meets(ground, link, path)
    tunnels = [name for name, link in ground.estate.links.items() if link.via == "vpn"]
    if len(tunnels) > VPNS_MAX:
        message = f"{len(tunnels)} links are VPNs, and all clouds together have inner addresses for {VPNS_MAX}"
        ground.error("out_of_range", ("links", tunnels[VPNS_MAX], "via"), message, "take another kind for some of them")
    entry = ground.estate.entry
    for name, pool in entry.pools.items() if entry is not None else ():
        if name in pool.fallback:
            path = ("entry", "pools", name, "fallback")
            ground.error("link_circular", path, "a pool can not take over from itself", "name other pools")
