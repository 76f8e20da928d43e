"""Placed workloads that no role names get the rights that they need, where their data are, and no more."""

from pathlib import Path

from polycloud.deploy.blueprint import Bucket, Lifecycle, Principal, Where
from polycloud.deploy.derive.identity import nearest, placed
from polycloud.estate import Estate, load
from tests.deploy.placed_runs import run

TEXT = """
estate: northwind
clouds:
  aws: {sites: [us-east-1, eu-west-1]}
  gcp: {project: p, sites: [us-central1]}
clusters:
  east: {at: aws/us-east-1}
datasets:
  raw: {at: aws/us-east-1}
  clean: {at: aws/us-east-1}
workloads:
  wash: {kind: data, reads: [raw], writes: [clean]}
  named: {kind: data, reads: [raw]}
roles:
  team: {members: ["workload:named"], can: [{do: [invoke]}]}
"""


def estate(folder: Path) -> Estate:
    (folder / "estate.yaml").write_text(TEXT)
    loaded = load(folder / "estate.yaml", None)
    assert loaded.estate is not None, loaded.diagnostics
    return loaded.estate


def bucket(site: str, *datasets: str) -> Bucket:
    cloud, _, region = site.partition("/")
    where = Where(site, cloud, region, "")
    return Bucket(f"{datasets[0]}-{region}", "b", where, datasets, ("raw",), Lifecycle(), "", "data")


BUCKETS = (bucket("aws/eu-west-1", "raw"), bucket("aws/us-east-1", "raw"), bucket("aws/us-east-1", "clean"))


def said(role: Principal) -> list[tuple[str, str, str]]:
    return [(grant.do[0], grant.on[0], grant.at[0]) for grant in role.can]


def test_it_reads_what_it_reads_and_writes_what_it_writes_at_the_copies_that_it_is_told_of(tmp_path: Path) -> None:
    wash = run("wash", "data", "east", "m", reads=["raw"], writes=["clean"])
    (role,) = placed(estate(tmp_path), [wash], BUCKETS)
    assert (role.name, role.members) == ("placed-wash", ("workload:wash",))
    assert said(role) == [("read", "dataset/raw", "aws/us-east-1"), ("write", "dataset/clean", "aws/us-east-1")]


def test_each_part_of_it_has_the_copy_near_to_it_and_a_right_is_given_once(tmp_path: Path) -> None:
    parts = [
        run(name, "data", cluster, "m", workload="wash", site=site, reads=["raw"])
        for name, cluster, site in (
            ("wash1", "east", "aws/us-east-1"),
            ("wash2", "aws-eu-west-1", "aws/eu-west-1"),
            ("wash3", "east", "aws/us-east-1"),
            ("wash4", "gcp-us-central1", "gcp/us-central1"),  # no copy in its cloud: the first one
        )
    ]
    (role,) = placed(estate(tmp_path), parts, BUCKETS)
    assert said(role) == [("read", "dataset/raw", "aws/us-east-1"), ("read", "dataset/raw", "aws/eu-west-1")]


def test_what_a_role_names_is_left_to_it_and_what_is_nowhere_is_no_right(tmp_path: Path) -> None:
    named = run("named", "data", "east", "m", reads=["raw"])
    lost = run("wash", "data", "east", "m", reads=["raw"])
    assert placed(estate(tmp_path), [named], BUCKETS) == ()
    assert placed(estate(tmp_path), [lost], ()) == ()


def test_the_nearest_copy_is_the_sites_own_then_one_of_its_cloud() -> None:
    found = [nearest(BUCKETS, site, "raw") for site in ("aws/us-east-1", "aws/us-west-2", "gcp/us-central1")]
    assert [one.site.id if one else "" for one in found] == ["aws/us-east-1", "aws/eu-west-1", "aws/eu-west-1"]
    assert nearest(BUCKETS, "aws/us-east-1", "other") is None
