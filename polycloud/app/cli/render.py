"""Commands that write and preview the files of other tools: render, plan, drift."""

from collections import Counter
from pathlib import Path

import click
import msgspec

from polycloud.app.cli.estate import located
from polycloud.app.cli.options import FILE, environment_option, estate_option, json_option
from polycloud.app.cli.output import NO, OK, WRONG, emit, note, say, table
from polycloud.app.cli.report import print_findings
from polycloud.app.library import catalog, examine
from polycloud.app.rendering import Rendering, read_placement, rendering, save
from polycloud.app.wiring import planner
from polycloud.catalog.market import Market
from polycloud.core.errors import BadRequest
from polycloud.deploy.compare import compared
from polycloud.deploy.drift import Drift, observed
from polycloud.deploy.plan import Plan

MICRO = 1_000_000
SHOWN = 12  # rows a person reads before asking for all


def placement_options(command: click.decorators.FC) -> click.decorators.FC:
    """Where workloads and data are: as a saved placement says, as planned now, or as the estate alone says."""
    saved = click.option(
        "--placement", type=FILE, help="A placement that `polycloud place --save` wrote; none: planned now."
    )
    alone = click.option("--unplaced", is_flag=True, help="Leave workloads out, and data where the estate puts them.")
    return saved(alone(command))


@click.command()
@click.argument("out", type=FILE)
@estate_option
@environment_option
@placement_options
@click.option("--force", is_flag=True, help="Write over files that were edited by hand.")
@json_option
def render(
    out: Path,
    estate: Path | None,
    env: str | None,
    placement: Path | None,
    unplaced: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Write Terraform, Kubernetes, mesh, monitoring and identity files from the estate into the folder OUT.

    The folder is written whole or not at all. The same estate gives the same bytes.
    """
    found = _rendering(estate, env, placement, unplaced, out)
    if found is None:
        return WRONG
    save(found, out, force)

    def people() -> None:
        _people(found.plan)
        say(f"written to {out}: see {out / 'README.md'} for the order to apply it in")

    emit(as_json, found.plan, people)
    return OK


@click.command()
@click.argument("out", type=FILE, required=False)
@estate_option
@environment_option
@placement_options
@click.option("--all", "everything", is_flag=True, help="Show every resource, not only the dearest and the changed.")
@click.option("--check", is_flag=True, help="Exit with 1 when a render would change a file.")
@json_option
def plan(
    out: Path | None,
    estate: Path | None,
    env: str | None,
    placement: Path | None,
    unplaced: bool,
    everything: bool,
    check: bool,
    as_json: bool,
) -> int:
    """Preview a render into OUT: files and resources that change, what they cost, what the policy says.

    Without OUT everything is new. Nothing is written.
    """
    found = _rendering(estate, env, placement, unplaced, out)
    if found is None:
        return WRONG
    emit(as_json, found.plan, lambda: _people(found.plan, everything))
    return NO if check and found.plan.changes else OK


class Drifted(msgspec.Struct, frozen=True):
    """What `polycloud drift --json` prints. ``form`` is which of Terraform's files was read, ``root`` the root that a
    state is of, ``known`` how many of its resources are in the rendered files."""

    form: str
    root: str
    known: int | None
    drifts: tuple[Drift, ...]


@click.command()
@click.argument("file", type=FILE)
@click.argument("out", type=FILE, required=False)
@estate_option
@environment_option
@placement_options
@click.option("--root", default="", help="The root that a state is of, such as aws; none: the one it fits.")
@json_option
def drift(
    file: Path,
    out: Path | None,
    estate: Path | None,
    env: str | None,
    placement: Path | None,
    unplaced: bool,
    root: str,
    as_json: bool,
) -> int:
    """Say what differs between the rendered Terraform and the cloud, from FILE: a plan or a state of Terraform.

    A plan is best, for it has looked at the cloud: `terraform plan -refresh-only -out p && terraform show -json p`.
    A state (`terraform show -json`, or a terraform.tfstate) is held against what the estate renders; OUT is the
    folder of the last render, whose networks it has. Exit code 1 when something differs.
    """
    seen = observed(file)
    if seen.form == "plan":
        found = Drifted(seen.form, "", None, seen.drifts)
        if root or out is not None:
            raise BadRequest(f"{file} is a plan, which says by itself what differs: OUT and --root are for states")
    else:
        rendered = _rendering(estate, env, placement, unplaced, out)
        if rendered is None:
            return WRONG
        told = compared(seen.instances, rendered.resources, rendered.moved, root)
        found = Drifted(seen.form, told.root, told.known, told.drifts)
    emit(as_json, found, lambda: _drifted(file, found))
    return NO if found.drifts else OK


def _drifted(file: Path, found: Drifted) -> None:
    if found.known is None:
        say(f"{file} is a plan")
    else:
        say(f"{file} is a {found.form} of the root {found.root}; {found.known} of its resources are in the files")
        note("a state is as Terraform last saw the cloud: terraform apply -refresh-only brings it up to date")
    if found.drifts:
        rows = [(one.address, one.what, one.wanted, one.found) for one in found.drifts]
        table(("resource", "what", "estate has", "cloud has"), rows)
    else:
        say("no drift: the cloud is as the files say")


def _rendering(
    estate: Path | None, env: str | None, placement: Path | None, unplaced: bool, out: Path | None
) -> Rendering | None:
    if placement is not None and unplaced:
        raise BadRequest("--placement and --unplaced exclude each other")
    examined = examine(located(estate), env)
    loaded = examined.loaded
    if not examined.holds or loaded.estate is None:
        print_findings(examined)
        note("error: the estate has errors; nothing was rendered")
        return None
    placed = read_placement(placement) if placement is not None else None
    if placed is None and loaded.estate.workloads and not unplaced:
        placed = planner()(loaded)
    return rendering(loaded.estate, catalog(), Market.load(), out, placed)


def _people(found: Plan, everything: bool = False) -> None:
    files = found.files
    say(
        f"files: {len(files.added)} new, {len(files.changed)} changed, {len(files.removed)} gone, {files.same} the same"
    )
    for word, paths in (("new", files.added), ("changed", files.changed), ("gone", files.removed)):
        for path in paths if everything else paths[:SHOWN]:
            say(f"  {word:8} {path}")
        if len(paths) > SHOWN and not everything:
            say(f"  … and {len(paths) - SHOWN} more {word} (--all shows them)")
    counts = Counter(cost.change for cost in found.resources)
    replaced = f"{counts['replaced']} replaced, " if counts["replaced"] else ""
    repriced = (
        f"{counts['dearer']} dearer, {counts['cheaper']} cheaper, " if counts["dearer"] + counts["cheaper"] else ""
    )
    say(
        f"resources: {counts['new']} new, {counts['changed']} changed, {counts['gone']} gone, {replaced}{repriced}"
        f"{counts['same']} the same"
    )
    rows = [cost for cost in found.resources if everything or cost.change != "same"]
    rows.sort(key=lambda cost: (-(cost.monthly or 0), cost.address))
    shown = rows if everything else rows[:SHOWN]
    if shown:
        table(
            ("resource", "site", "USD a month", "before", "change"),
            [(c.address, c.site, _usd(c.monthly), _usd(c.before), c.change) for c in shown],
        )
    if len(rows) > len(shown):
        say(f"… and {len(rows) - len(shown)} more resources (--all shows them)")
    before = f", {_usd(found.monthly_before)} before" if found.monthly_before is not None else ""
    unpriced = f"; {found.unpriced} resources without a known price" if found.unpriced else ""
    what = "every pool at its least, what is placed beyond that, and hot storage"
    say(f"about {_usd(found.monthly)} USD a month: {what}{before}{unpriced}")
    say(f"residency: {found.proved} rendered places of data proved inside their classes")
    for loss in found.losses:
        say(f"warning: {loss}")
    for gap in found.gaps:
        say(f"by hand: {gap}")


def _usd(micro: int | None) -> str:
    return "unknown" if micro is None else f"{micro / MICRO:,.2f}"
