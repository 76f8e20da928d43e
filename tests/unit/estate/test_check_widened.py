"""Work that reads strict data and writes where more is allowed is told: what is written is kept by its own class."""

from pathlib import Path

import pytest

from polycloud.catalog import Catalog
from polycloud.estate import check, load

ESTATE = """
estate: two
clouds:
  aws: {{sites: [us-east-1, eu-central-1]}}
residency: {{default_class: any}}
data_classes:
  any: {{}}
  eu: {{stay_in: [eu]{rule}}}
  de: {{stay_in: [DE]}}
datasets:
  in: {{class: eu, size: 1 TB}}
  out: {{class: {out}, size: 1 TB{derived}}}
workloads:
  w: {{kind: batch, needs: {{vcpu: 4}}, reads: [in], writes: [{writes}]}}
"""


def told(where: Path, rule: str = "", out: str = "any", derived: str = "", writes: str = "out") -> list[str]:
    path = where / "estate.yaml"
    path.write_text(ESTATE.format(rule=rule, out=out, derived=derived, writes=writes), encoding="utf-8")
    return [f"{found.place.path}: {found.message}" for found in check(load(path), Catalog.load())]


def test_what_is_written_where_more_is_allowed(tmp_path: Path) -> None:
    message = "out is made from in (eu), but its class any also admits aws/us-east-1"
    assert told(tmp_path) == [f"workloads.w: {message}"]
    assert told(tmp_path, derived=", derived_from: [in]", writes="in") == [f"datasets.out.derived_from[0]: {message}"]


@pytest.mark.parametrize("given", [{"out": "eu"}, {"out": "de"}, {"rule": ", may_cross_as: anonymised"}])
def test_what_is_stricter_or_anonymised_is_fine(tmp_path: Path, given: dict[str, str]) -> None:
    assert told(tmp_path, **given) == []
