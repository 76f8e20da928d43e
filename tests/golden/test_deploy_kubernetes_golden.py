"""All but Terraform as files to review: manifests, chart, mesh, monitoring; eight clusters, each kind of work in full.

``POLYCLOUD_GOLDEN=write`` writes the files anew.
"""

import os
from pathlib import Path

import pytest

from polycloud.app.wiring import renderers
from tests.deploy.estates import EVERY, blueprint
from tests.deploy.placed_runs import by_hand

FILES = Path(__file__).parent / "deploy"
FOLDERS = ("argocd", "helm", "kubernetes", "kueue", "mesh", "monitoring", "vault", "workflows")
ELSEWHERE = ("identity", "readme")  # renderers whose files others review, as do those of terraform/…
IN_FULL = "active-active"
MAIN = ("applications.yaml", "kustomization.yaml", "queues.yaml", "storage.yaml")


@pytest.mark.parametrize("name", EVERY)
def test_the_manifests_read_as_they_were_reviewed(name: str) -> None:
    whole = by_hand() if name == IN_FULL else blueprint(name)
    found = {
        path: text
        for part, renderer in renderers().items()
        if part not in ELSEWHERE and not part.startswith("terraform/")
        for path, text in renderer(whole).files.items()
        if name == IN_FULL or Path(path).name in MAIN
    }
    folder = FILES / name
    if os.environ.get("POLYCLOUD_GOLDEN") == "write":
        for path, text in found.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf8")
    kept = {
        str(path.relative_to(folder)): path.read_text(encoding="utf8")
        for top in FOLDERS
        for path in sorted((folder / top).rglob("*"))
        if path.is_file()
    }
    assert sorted(kept) == sorted(found)
    for path, text in found.items():
        assert text == kept[path], path
