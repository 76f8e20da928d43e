"""What one cloud sells or spells and another does not: machines, units, lines, names of roles, hours on call."""

import re
from pathlib import Path

import pytest

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.estate import check, load
from polycloud.estate.check_clusters import FORMS

ESTATE = """
estate: words
clouds:
  aws: {sites: [us-east-1]}
  azure: {sites: [westeurope]}
  gcp: {project: p, sites: [us-central1]}
  oci: {compartment: c, sites: [eu-amsterdam-1, eu-madrid-1]}
secrets: {hook: {env: HOOK}}
clusters:
  far: {at: gcp/us-central1, pools: {workload: {machine: n2-standard-8}}}
models:
  gpt-4o:
    deployments:
      - {at: azure/westeurope, capacity: {ptu: 100}}
  nova-pro:
    deployments:
      - {at: aws/us-east-1, model: nova-pro, capacity: {units: 2}}
links:
  line: {between: [azure/westeurope, oci/eu-amsterdam-1], via: azure-oci}
roles:
  readers: {members: ["group:a"], can: [{do: [invoke]}]}
  writers: {members: ["group:b"], can: [{do: [invoke]}]}
alerts:
  webhook: secret:hook
  primary: [day]
  secondary: [night]
  rotations:
    day: {people: [a], time_zone: Europe/Berlin, hours: 08:00-20:00}
    night: {people: [b], time_zone: America/New_York, hours: 14:00-02:00}
"""


def told(where: Path, old: str = "", new: str = "") -> list[str]:
    assert old in ESTATE
    path = where / "estate.yaml"
    path.write_text(ESTATE.replace(old, new) if old else ESTATE, encoding="utf-8")
    return [f"{d.code} {d.severity} {d.place.path}: {d.message} {d.fix}" for d in check(load(path), Catalog.load())]


def test_what_each_cloud_has_is_not_doubted(tmp_path: Path) -> None:
    assert told(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("n2-standard-8", "m7i.2xlarge", "machine_unknown error clusters.far.pools.workload.machine: .* aws"),
        ("n2-standard-8", "Standard_D8s_v5", "machine_unknown error .* azure"),
        ("n2-standard-8", "n2-standard-9", "machine_unlisted warning"),
        ("ptu: 100", "units: 100", r"unit_unknown error models.gpt-4o.deployments\[0\].capacity.units: .* ptu: 100"),
        ("units: 2", "ptu: 2", r"unit_unknown error models.nova-pro.deployments\[0\].capacity.ptu: .* aws"),
        (
            "oci/eu-amsterdam-1], via",
            "oci/eu-madrid-1], via",
            "link_elsewhere error links.line.via: .*oci/eu-frankfurt-1",
        ),
        ("writers:", "Readers:", "name_collides error roles.Readers: readers and Readers"),
        ("hours: 14:00-02:00", "hours: 14:00-01:00", "on_call_missing warning alerts.primary: .* for 1 h .* 06:00"),
        ("secondary: [night]", "secondary: []", "on_call_missing warning alerts.primary: .* for 12 h"),
    ],
)
def test_what_a_cloud_lacks_is_told(old: str, new: str, said: str, tmp_path: Path) -> None:
    (found,) = told(tmp_path, old, new)
    assert re.match(said, found), found


def test_roles_alike_are_allowed_where_there_is_no_aws(tmp_path: Path) -> None:
    path = tmp_path / "estate.yaml"
    roles = "roles: {a: {members: ['group:a'], can: []}, A: {members: ['group:b'], can: []}}\n"
    path.write_text(f"estate: e\nclouds: {{azure: {{sites: [westeurope]}}}}\n{roles}", encoding="utf-8")
    assert [d for d in check(load(path), Catalog.load()) if d.severity == "error"] == []


def test_no_machine_is_written_as_another_cloud_does() -> None:
    market, catalog = Market.load(), Catalog.load()
    offers = [
        (site.cloud, o.machine) for site in catalog.sites() if site.cloud in FORMS for o in market.offers(site.id)
    ]
    assert len(offers) > 1000
    for cloud, machine in set(offers):
        assert [name for name, form in FORMS.items() if re.fullmatch(form, machine)] == [cloud], machine
