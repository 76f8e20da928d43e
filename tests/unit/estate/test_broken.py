"""Broken estates and exactly what is said of them: every finding, its place and its fix (reviewed as text)."""

from pathlib import Path

import pytest

from polycloud.catalog import Catalog
from polycloud.estate import check, load

BROKEN = Path(__file__).parent / "broken"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load()


@pytest.mark.parametrize("name", sorted(path.stem for path in BROKEN.glob("*.yaml")))
def test_findings_are_exactly_these(name: str, catalog: Catalog) -> None:
    loaded = load(BROKEN / f"{name}.yaml")
    said = "".join(f"{found}\n" for found in check(loaded, catalog)).replace(f"{BROKEN}/", "")
    assert said == (BROKEN / f"{name}.txt").read_text(encoding="utf-8")
    assert any(found.severity == "error" for found in check(loaded, catalog))


def test_a_secret_is_never_repeated(catalog: Catalog) -> None:
    said = "\n".join(map(str, check(load(BROKEN / "secrets.yaml"), catalog)))
    for secret in ("sk-proj", "AKIAIOSFODNN7EXAMPLE", "0123456789abcdef", "user:pass", "hunter2"):
        assert secret not in said
