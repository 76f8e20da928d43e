"""What a planner's command says when a module is missing: the extra's name when it is the extra, else the truth."""

import subprocess
import sys

import pytest

BLOCKED = """
import sys
from importlib.abc import MetaPathFinder
class Blocked(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
from polycloud.app.cli.main import run

sys.exit(run([sys.argv[2]]))
"""


def run(missing: str, command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", BLOCKED, missing, command], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("missing", ["highspy", "numpy"])
@pytest.mark.parametrize("command", ["place", "route", "commit", "assess"])
def test_the_extra_is_named_once(command: str, missing: str) -> None:
    done = run(missing, command)
    assert done.returncode == 2
    assert done.stderr == 'error: the planner needs its solver: pip install -e ".[place]"\n'


@pytest.mark.parametrize("command", ["place", "route", "commit", "assess"])
def test_another_missing_module_is_not_blamed_on_the_extra(command: str) -> None:
    done = run("polycloud.placement.bill", command)
    assert done.returncode != 0
    assert "polycloud.placement.bill" in done.stderr
    assert "pip install" not in done.stderr
