"""The Terraform roots of the example estates as files to review; the one with eight clusters in full.

``POLYCLOUD_GOLDEN=write`` writes the files anew.
"""

import os
from pathlib import Path

import pytest

from polycloud.app.wiring import renderers
from tests.deploy.blueprints import NAMES, blueprint

FILES = Path(__file__).parent / "deploy"
PREFIX = "terraform/"
RENDERERS = {name.removeprefix(PREFIX): one for name, one in renderers().items() if name.startswith(PREFIX)}
IN_FULL = "active-active"
MAIN = ("clusters.tf", "storage.tf", "links.tf", "vault.tf", "variables.tf")


@pytest.mark.parametrize("cloud", sorted(RENDERERS))
@pytest.mark.parametrize("name", NAMES)
def test_the_root_reads_as_it_was_reviewed(name: str, cloud: str) -> None:
    found = {
        path: text
        for path, text in RENDERERS[cloud](blueprint(name)).files.items()
        if name == IN_FULL or Path(path).name in MAIN
    }
    folder = FILES / name
    if os.environ.get("POLYCLOUD_GOLDEN") == "write":
        for path, text in found.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf8")
    kept = {
        str(path.relative_to(folder)): path.read_text(encoding="utf8")
        for path in sorted((folder / "terraform" / cloud).rglob("*"))
        if path.is_file()
    }
    assert sorted(kept) == sorted(found)
    for path, text in found.items():
        assert text == kept[path], path
