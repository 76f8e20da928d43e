"""The one place that names clouds, stores and the sandbox, and binds them to the engines.

They are loaded by name when they are used: the supervisor asks only for the sandbox's specification and
pays for no SQL; a control process loads the SDKs of those clouds alone that its estate names.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import msgspec

from polycloud.app.adapters import CLOUDS
from polycloud.app.settings import BadSettings
from polycloud.core.errors import Unavailable
from polycloud.core.ports.models import Credential, Upstream
from polycloud.estate import Estate, Loaded
from polycloud.policy.tables import Tables

if TYPE_CHECKING:
    from polycloud.deploy.ports import Renderer
    from polycloud.placement.answer.values import Placement
    from polycloud.sandbox.spec import Cloud, SandboxSpec
    from polycloud.store import Store

RENDERED_CLOUDS = ("aws", "azure", "gcp", "oci")
RENDERED_TOOLS: tuple[str, ...] = ("helm", "kubernetes", "mesh", "monitoring", "readme")
SANDBOX_SECONDS = 5.0  # it is on this machine
SANDBOX_BYTES_MAX = 16 * 1024 * 1024


class Obtain(Protocol):
    """How a cloud's folder obtains a credential; blocks. Raises Unauthorized."""

    def __call__(self, reference: Mapping[str, str], now: float) -> Credential: ...


def open_store(path: Path) -> "Store":
    """The embedded store. Raises StoreTooNew, StoreAway."""
    return cast("Store", import_module("polycloud.store").Store(path))


def obtain(cloud: str) -> Obtain:
    """How credentials of ``cloud`` are obtained. Raises KeyError for a cloud that is not in the table."""
    if cloud not in CLOUDS:
        raise KeyError(f"no cloud {cloud!r} (known: {', '.join(CLOUDS)})")
    return cast(Obtain, import_module(f"polycloud.clouds.{cloud}.credentials").obtain)


def planner() -> "Callable[[Loaded], Placement]":
    """What places an estate's workloads; it needs a solver. Raises BadSettings without the extra that brings one."""
    try:
        return cast("Callable[[Loaded], Placement]", import_module("polycloud.app.planning").place)
    except ModuleNotFoundError as error:
        if error.name not in ("highspy", "numpy"):
            raise
        raise BadSettings(
            'workloads are placed by a solver: install it with pip install -e ".[place]", or leave them out '
            "with --unplaced"
        ) from error


def renderers() -> "dict[str, Renderer]":
    """All that write files from a blueprint, by name, in the order of their folders."""
    modules = {f"terraform/{cloud}": f"polycloud.clouds.{cloud}.render" for cloud in RENDERED_CLOUDS}
    modules |= {name: f"polycloud.deploy.render.{name}" for name in RENDERED_TOOLS}
    found = {name: cast("Renderer", import_module(module).render) for name, module in modules.items()}
    ends = {cloud: import_module(f"polycloud.clouds.{cloud}.render_links") for cloud in RENDERED_CLOUDS}
    spanning = import_module("polycloud.deploy.render.terraform_global").render
    lines = {cloud: ends[cloud] for cloud in ("azure", "oci")}
    found["terraform/global"] = cast("Renderer", partial(spanning, ends=ends, lines=lines))
    found["terraform/vault"] = cast("Renderer", import_module("polycloud.deploy.render.terraform_vault").render)
    report = import_module("polycloud.deploy.render.identity_report")
    says = {cloud: import_module(f"polycloud.clouds.{cloud}.render_identity") for cloud in RENDERED_CLOUDS}
    words = {cloud: report.Words(one.rows, one.told) for cloud, one in says.items()}
    return {**found, "identity": cast("Renderer", partial(report.render, clouds=words))}


def asked_for(upstream: Upstream) -> str:
    """The name in a call: bought capacity is asked by its endpoint's id, in place of the model's."""
    return upstream.options.get("endpoint", "") or upstream.model


def sandbox_spec(estate: Estate, tables: Tables) -> "SandboxSpec":
    """What the sandbox must serve so that every simulated deployment of ``tables`` finds its model.

    Sites without a deployment are served too: an overlay or a fault may name them.
    """
    spec = import_module("polycloud.sandbox.spec")
    models: dict[str, dict[str, None]] = {}
    for deployment in tables.deployments:
        models.setdefault(deployment.site, {})[asked_for(deployment.upstream)] = None
    sites = []
    for site in estate.site_ids():
        cloud, _, region = site.partition("/")
        if estate.sandbox.covers(cloud):
            sites.append(
                spec.SiteSpec(
                    site=site,
                    cloud=cast("Cloud", cloud),
                    region=region,
                    models=tuple(models.get(site, ())),
                    key_required=cloud != "onprem" or estate.onprem[region].credentials != "none",
                )
            )
    return cast("SandboxSpec", spec.SandboxSpec(sites=tuple(sites), seed=estate.sandbox.seed))


class SandboxControl:
    """The control address of a running sandbox, as far as the control process needs it. Methods block."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def endpoints(self) -> dict[str, str]:
        """Base URLs by site id. Raises Unavailable."""
        found = msgspec.convert(self._get("/sites"), _Sites)
        return {site.site: site.address for site in found.sites}

    def models(self) -> dict[str, tuple[str, ...]]:
        """By site id, the names that are served there. Raises Unavailable."""
        return {site.site: site.models for site in msgspec.convert(self._get("/sites"), _Sites).sites}

    def credentials(self) -> dict[str, Credential]:
        """By cloud, the credential that a gateway uses there. Raises Unavailable."""
        found = msgspec.convert(self._get("/credentials"), _Credentials)
        return {cloud: next(iter(kinds.values())) for cloud, kinds in found.credentials.items() if kinds}

    def _get(self, path: str) -> object:
        try:
            with urllib.request.urlopen(self._url + path, timeout=SANDBOX_SECONDS) as reply:  # noqa: S310 - our own
                return json.loads(reply.read(SANDBOX_BYTES_MAX))
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise Unavailable(f"the sandbox at {self._url} does not answer: {type(error).__name__}") from error


class _Site(msgspec.Struct):
    site: str
    address: str
    models: tuple[str, ...]


class _Sites(msgspec.Struct):
    sites: list[_Site]


class _Credentials(msgspec.Struct):
    credentials: dict[str, dict[str, Credential]]
