"""From an estate to the files of other tools: derive, render, check across files, prove, compare, write."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from polycloud.app import wiring
from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.core.errors import BadRequest, PolicyDenied, PolycloudError
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.checks import Whole, prove, together
from polycloud.deploy.derive import derive
from polycloud.deploy.derive.placed import copies, runs
from polycloud.deploy.files import Changed, Manifest, compare, digest, manifest, write
from polycloud.deploy.losses import lasting, losses
from polycloud.deploy.plan import Plan, costs, digests, elsewhere, total
from polycloud.deploy.ports import Resource
from polycloud.estate import Estate
from polycloud.placement.answer.values import Placement


class BrokenRender(PolycloudError):
    """The files would contradict each other: an error of ours, told with its details, and nothing is written."""

    code = "render_broken"


class _Saved(msgspec.Struct):
    placement: Placement


class Rendering(msgspec.Struct, frozen=True):
    """Everything that a render would write, and what is known about it."""

    blueprint: Blueprint
    files: dict[str, str]
    manifest: Manifest
    plan: Plan
    resources: tuple[Resource, ...]
    moved: dict[str, str]


def read_placement(path: Path) -> Placement:
    """A placement that `polycloud place --save` wrote. Raises BadRequest."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Saved).placement
    except (OSError, msgspec.DecodeError) as error:
        raise BadRequest(f"{path} is no saved placement ({error}): make it with polycloud place --save") from error


def rendering(
    estate: Estate, catalog: Catalog, market: Market, out: Path | None, placement: Placement | None = None
) -> Rendering:
    """What would be written to ``out`` for an estate whose check found no error; nothing is written here.

    Raises BadRequest for a placement of another estate, PolicyDenied when a rendered resource would break residency,
    BrokenRender when the files contradict each other, Conflict for a folder that is not ours.
    """
    if placement is not None and placement.estate != estate.estate:
        raise BadRequest(f"the placement is of the estate {placement.estate!r}, not of {estate.estate!r}")
    before = manifest(out) if out is not None else None
    placed = runs(estate, placement) if placement is not None else ()
    where = copies(placement) if placement is not None else None
    blueprint = derive(estate, catalog, market, placed, where, before.networks if before is not None else None)
    whole = _whole(blueprint)
    proved = prove(whole.rendered.resources, estate, catalog)
    if proved.broken:
        raise PolicyDenied("the rendered files would break residency: " + "; ".join(proved.broken))
    if whole.problems:
        raise BrokenRender("the rendered files contradict each other: " + "; ".join(whole.problems))
    moved = whole.rendered.moved
    now = costs(whole.rendered.resources, before, moved, blueprint.accounts)
    lasts = lasting(whole.rendered.resources)
    new = Manifest(
        estate.estate,
        {path: digest(text) for path, text in whole.rendered.files.items()},
        {network.site.id: network.cidr for network in blueprint.networks},
        {resource.address: resource.monthly for resource in whole.rendered.resources},
        lasts,
        digests(whole.rendered.resources, moved),
        blueprint.accounts,
    )
    plan = Plan(
        estate=estate.estate,
        files=compare(out, whole.rendered.files) if out is not None else _all_new(whole.rendered.files),
        resources=now,
        monthly=total(cost.monthly for cost in now),
        monthly_before=total(before.costs.values()) if before is not None else None,
        unpriced=sum(cost.monthly is None and cost.change != "gone" for cost in now),
        proved=proved.pairs,
        losses=(*elsewhere(now, before, blueprint.accounts), *losses(before, lasts, moved, estate.estate)),
        gaps=whole.rendered.gaps,
    )
    return Rendering(blueprint, whole.rendered.files, new, plan, whole.rendered.resources, moved)


def save(found: Rendering, out: Path, force: bool = False) -> Changed:
    """Writes a rendering whole. Raises Conflict for a folder that is not ours or that was edited by hand."""
    return write(out, found.files, found.manifest, force)


def _whole(blueprint: Blueprint) -> Whole:
    return together({name: renderer(blueprint) for name, renderer in wiring.renderers().items()})


def _all_new(files: Mapping[str, str]) -> Changed:
    return Changed(tuple(sorted(files)), (), (), 0)
