"""Blueprints of the example estates, and of one that has everything; their renders in a folder."""

import re
from functools import cache
from pathlib import Path

import pytest

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.derive import derive
from polycloud.deploy.ports import Rendered
from polycloud.estate import Estate, load

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "polycloud" / "app" / "examples"
EVERYTHING = "everything"
NAMES = ("sandbox", "oci-primary", "active-active", "hybrid-burst")
# The sandbox in every run; the others where there is time.
SLOWLY = ["sandbox", *(pytest.param(name, marks=pytest.mark.slow) for name in (*NAMES[1:], EVERYTHING))]


@cache
def estate(name: str) -> Estate:
    path = EXAMPLES / name / "estate.yaml" if name in NAMES else ROOT / "tests/deploy/given" / f"{name}.yaml"
    loaded = load(path, None)
    assert loaded.estate is not None, loaded.diagnostics
    return loaded.estate


@cache
def blueprint(name: str) -> Blueprint:
    return derive(estate(name), Catalog.load(), Market.load())


def written(folder: Path, found: Rendered) -> Path:
    """The render in a folder; answers with the folder of its first Terraform root."""
    for path, text in found.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf8")
    (root,) = {path.split("/")[1] for path in found.files}
    return folder / "terraform" / root


def secrets_in(found: Rendered) -> list[str]:
    """Lines that hold a literal where a secret belongs; the shipped tests may hold samples."""
    literal = re.compile(r'^\s*\w*(password|secret|preshared_key|token)\w*\s*=\s*"[^"]', re.I)
    allowed = re.compile(r"http_tokens|password_type|secret_name|_version\s*=")
    return [
        f"{path}: {line.strip()}"
        for path, text in found.files.items()
        if "/tests/" not in path
        for line in text.splitlines()
        if literal.match(line) and not allowed.search(line)
    ]
