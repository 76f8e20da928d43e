"""Renamed and existing things under the real Terraform: nothing is destroyed, and what is there is imported."""

import importlib
import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from polycloud.app import wiring
from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.compare import compared
from polycloud.deploy.derive import derive
from polycloud.deploy.drift import observed
from polycloud.deploy.ports import Renderer
from polycloud.estate import check, load
from tests.deploy import checkers, roots
from tests.deploy.blueprints import EVERYTHING, NAMES, ROOT, blueprint, written

ANSWERED = ("global", "vault")  # roots whose variables follow from the estate: clusters and sites by name
SPEND_TIME = pytest.mark.slow
RENAMED = [
    pytest.param(name, root, marks=() if (name, root) == ("sandbox", "aws") else SPEND_TIME)
    for name in (*NAMES, EVERYTHING)
    for root in ("aws", "azure", "gcp", "oci", "global", "vault")
]


def renderer(root: str) -> Renderer:
    return wiring.renderers()[f"terraform/{root}"]


def given(root: str, *each: Blueprint) -> dict[str, Any]:
    """What a person answers: for these blueprints where it follows from them, else for the estate of everything, whose
    things are told under their names before and after."""
    module = importlib.import_module(f"tests.deploy.test_terraform_{root}")
    answers = [module.given(one) for one in each] if root in ANSWERED else [module.GIVEN]
    found: dict[str, Any] = dict(roots.NEEDED)
    for name, said in (pair for one in answers for pair in one.items()):
        new = (
            {after(key): value for key, value in said.items()}
            if isinstance(said, dict) and root not in ANSWERED and name != "cluster_issuers"
            else {}
        )
        found[name] = {**found.get(name, {}), **said, **new} if isinstance(said, dict) else said
    return found


def after(name: str) -> str:
    return f"z-{name}-new"


def renamed(now: Blueprint) -> Blueprint:
    """Everything that can be renamed, renamed so that its place among others changes too."""
    replace = msgspec.structs.replace
    flip = sorted(b.name for b in now.buckets)[::2]  # every second one, so that the order of all changes
    clusters = {c.name: after(c.name) for c in now.clusters}
    buckets = {b.name: after(b.name) if b.name in flip else b.name for b in now.buckets}
    links = {link.name: after(link.name) for link in now.links}
    edge = now.edge
    if edge is not None:
        edge = replace(
            edge, pools=tuple(replace(p, clusters=tuple(clusters[c] for c in p.clusters)) for p in edge.pools)
        )
    pools = {c.name: tuple(replace(p, name=f"{p.name}2", was=(p.name,)) for p in c.pools) for c in now.clusters}
    return replace(
        now,
        clusters=tuple(replace(c, name=clusters[c.name], was=(c.name,), pools=pools[c.name]) for c in now.clusters),
        buckets=tuple(
            sorted(
                (
                    replace(
                        b,
                        name=buckets[b.name],
                        was=(b.name,) if b.name in flip else (),
                        copies_to=tuple(buckets[c] for c in b.copies_to),
                    )
                    for b in now.buckets
                ),
                key=lambda b: b.name,
            )
        ),
        databases=tuple(replace(d, name=after(d.name), was=(d.name,)) for d in now.databases),
        links=tuple(
            replace(one, name=links[one.name], was=(one.name,), backup=links.get(one.backup, one.backup))
            for one in now.links
        ),
        runs=tuple(replace(run, cluster=clusters[run.cluster]) for run in now.runs),
        edge=edge,
    )


def planned_over(
    before: Path, now: Path, variables: dict[str, Any], folder: Path, later: dict[str, Any] | None = None
) -> dict[str, Any]:
    """What Terraform plans for the files of ``now`` once those of ``before`` were applied, with these variables and
    ``later`` with others; the state is left in ``folder`` in both of its forms."""
    terraform = checkers.engine(now)

    def step(*arguments: str) -> str:
        done = checkers.run([*terraform, *arguments], cwd=copy, env=env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    with checkers.workspace(before, variables) as copy, checkers.providers(folder) as env:
        step("init", "-no-color")
        step("apply", "-no-color", "-auto-approve")
        (folder / "state.json").write_text(step("show", "-json"))
        shutil.copy(copy / "terraform.tfstate", folder / "file.json")
        for path in copy.glob("*.tf"):
            path.unlink() if path.name != "zz_override.tf" else None
        for path in now.glob("*.tf"):
            shutil.copy(path, copy)
        if later is not None:
            (copy / "zz.auto.tfvars.json").write_text(json.dumps(later))
        step("plan", "-no-color", "-out", "plan")
        plan: dict[str, Any] = json.loads(step("show", "-json", "plan"))
        return plan


@pytest.mark.parametrize(("name", "root"), RENAMED)
def test_renaming_everything_destroys_nothing(name: str, root: str, tmp_path: Path) -> None:
    render, was, now = renderer(root), blueprint(name), renamed(blueprint(name))
    old, new = render(was), render(now)
    if not old.files:
        pytest.skip(f"{name} has nothing there")
    before, after = written(tmp_path / "before", old), written(tmp_path / "after", new)
    assert checkers.terraform_fmt(after) == []
    assert len(old.resources) == len(new.resources)
    plan = planned_over(before, after, roots.asked(before, given(root, was, now)), tmp_path)
    changes = [one for one in plan["resource_changes"] if not one["address"].startswith("data.")]
    assert {action for one in changes for action in one["change"]["actions"]} <= {"no-op", "update"}
    followed = {one["previous_address"].partition("[")[0] for one in changes if "previous_address" in one}
    made = {
        f"{root}/{one['address'].partition('[')[0]}"
        for one in plan["prior_state"]["values"]["root_module"]["resources"]
    }
    assert followed == {one.partition("/")[2] for one in new.moved if new.moved[one] in made}
    # The state of before is that of the files of now, but for what pods choose machines by, and replication's order.
    for form in ("state.json", "file.json"):
        found = compared(observed(tmp_path / form).instances, new.resources, new.moved, root)
        assert {one.what.rpartition(".")[2].partition("[")[0] for one in found.drifts} <= {
            "labels",
            "node_labels",
            "initial_node_labels",
            "rule",
        }
    assert render(now).files == new.files


@pytest.mark.parametrize(
    ("root", "by_new_names"),
    [
        ("vault", False),
        *(pytest.param(root, new, marks=SPEND_TIME) for root in ("aws", "azure", "gcp", "vault") for new in (0, 1)),
    ],
)
def test_who_is_trusted_stays_so_by_either_name(root: str, by_new_names: bool, tmp_path: Path) -> None:
    """A person gives the issuers of clusters as before the renaming, or under the new names."""
    render, was, now = renderer(root), blueprint("sandbox"), renamed(blueprint("sandbox"))
    every = {c.name: f"https://{c.name}.example" for c in was.clusters if c.site.cloud != root}
    before, later = written(tmp_path / "before", render(was)), written(tmp_path / "after", render(now))
    others = {**given(root, was, now), "cluster_issuers": every}
    names = {after(name): issuer for name, issuer in every.items()} if by_new_names else every
    asked = [roots.asked(later, {**others, "cluster_issuers": one}) for one in (every, names)]
    plan = planned_over(before, later, asked[0], tmp_path, asked[1])
    trusted = [one for one in plan["resource_changes"] if one.get("index") in every]
    assert trusted
    assert {action for one in plan["resource_changes"] for action in one["change"]["actions"]} <= {"no-op", "update"}


@pytest.mark.slow
def test_two_renamings_follow_each_other_from_either_state(tmp_path: Path) -> None:
    render, first = renderer("oci"), blueprint("sandbox")
    replace = msgspec.structs.replace

    def called(*names: str) -> Blueprint:
        cluster = next(c for c in first.clusters if c.site.cloud == "oci")
        others = [c for c in first.clusters if c is not cluster]
        one = replace(cluster, name=names[0], was=names[1:])
        return replace(first, clusters=tuple(sorted((*others, one), key=lambda c: c.name)))

    oldest = next(c.name for c in first.clusters if c.site.cloud == "oci")
    now = written(tmp_path / "now", render(called("third", "second", oldest)))
    for state, before in (("first", first), ("second", called("second", oldest))):
        folder = tmp_path / state
        plan = planned_over(written(folder, render(before)), now, {}, folder)
        actions = {action for one in plan["resource_changes"] for action in one["change"]["actions"]}
        assert actions <= {"no-op", "update"}, state
    assert f'name               = "{oldest}"' in (now / "clusters.tf").read_text()


@cache
def taken_over() -> Blueprint:
    loaded = load(ROOT / "tests/deploy/given" / f"{EVERYTHING}.yaml", "there")
    assert loaded.estate is not None, loaded.diagnostics
    said = [found for found in check(loaded, Catalog.load()) if found.severity == "error"]
    assert [found for found in said if "existing" in found.place.path or "networks" in found.place.path] == []
    return derive(loaded.estate, Catalog.load(), Market.load())


@pytest.mark.parametrize("root", ["oci", *(pytest.param(root, marks=SPEND_TIME) for root in ("aws", "azure", "gcp"))])
def test_what_is_there_is_imported_and_kept(root: str, tmp_path: Path) -> None:
    found = renderer(root)(taken_over())
    folder = written(tmp_path, found)
    assert checkers.terraform_fmt(folder) == []
    for engine in checkers.terraform_engines(folder):
        assert checkers.terraform_validate(folder, engine) == []
    trip = checkers.terraform_roundtrip(folder, roots.asked(folder, given(root)))
    assert trip.findings == []
    imported = {
        change["address"]: change["change"]["importing"]["id"]
        for change in trip.plan["resource_changes"]
        if "importing" in change["change"]
    }
    said = (folder / "imports.tf").read_text()
    assert len(imported) == said.count("import {") > 4
    stated = [one for one in taken_over().existing if one.site.startswith(f"{root}/")]
    told = " ".join(imported.values())
    for one in stated:
        assert one.id in told or one.id.partition("/cryptoKeys/")[0] in told
    assert not any("is not imported" in gap for gap in found.gaps)
    blocks = {resource.address.partition("/")[2]: resource.block for resource in found.resources}
    for address in imported:
        assert "prevent_destroy" in str(blocks[address]) or address.startswith("aws_s3_bucket_"), address
