"""Each example is placed by the program itself: within the gap, inside its classes, the money adding up."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
POLYCLOUD = Path(sys.executable).with_name("polycloud")
ESTATES = sorted((ROOT / "polycloud" / "app" / "examples").glob("*/estate.yaml"))


def named(estate: Path) -> str:
    return estate.parent.name


@pytest.mark.parametrize("estate", ESTATES, ids=named)
def test_example_is_placed(estate: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    done = subprocess.run(
        [POLYCLOUD, "place", "-e", estate, "--json", "--html", page],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["placement"]
    assert found["optimality"]["gap"] <= 0.001
    assert found["residency"]["facts"] > 0
    assert found["residency"]["breaks"] == []
    cost = found["cost"]
    for group in ("by_kind", "by_cloud", "by_site", "by_workload"):
        assert sum(cost[group].values()) == cost["month_micro"]
    for simple in found["baselines"]:
        assert simple["month_micro"] is None or simple["month_micro"] >= cost["month_micro"]
    text = page.read_text("utf8")
    assert all(workload["name"] in text for workload in found["workloads"])
    assert "<script" not in text
