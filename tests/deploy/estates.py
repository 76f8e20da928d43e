"""The example estates under test: the sandbox's in the everyday run, all four with POLYCLOUD_ALL_ESTATES."""

import os
from functools import cache
from pathlib import Path

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.derive import derive
from polycloud.deploy.ports import Rendered
from polycloud.estate import Estate, load

EXAMPLES = Path(__file__).resolve().parents[2] / "polycloud" / "app" / "examples"
EVERY = ("sandbox", "oci-primary", "active-active", "hybrid-burst")
NAMES = EVERY if os.environ.get("POLYCLOUD_ALL_ESTATES") else ("sandbox",)


@cache
def estate(name: str) -> Estate:
    loaded = load(EXAMPLES / name / "estate.yaml", None)
    assert loaded.estate is not None, loaded.diagnostics
    return loaded.estate


@cache
def blueprint(name: str) -> Blueprint:
    return derive(estate(name), Catalog.load(), Market.load())


def written(folder: Path, found: Rendered) -> Path:
    for path, text in found.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder
