"""Each example does what it says: its script runs to its end, and its assertions hold."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "examples").glob("*/run.py"))
RUN_SECONDS = 110


def named(script: Path) -> str:
    return script.parent.name


def test_every_example_has_a_script_and_a_page() -> None:
    folders = sorted(path for path in (ROOT / "examples").iterdir() if path.is_dir() and path.name[0].isdigit())
    assert [script.parent for script in SCRIPTS] == folders
    assert len(folders) == 4
    for folder in folders:
        assert f"examples/{folder.name}/run.py" in (folder / "README.md").read_text("utf8")


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=named)
def test_example(script: Path) -> None:
    done = subprocess.run(
        [sys.executable, script], cwd=ROOT, capture_output=True, text=True, timeout=RUN_SECONDS, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
