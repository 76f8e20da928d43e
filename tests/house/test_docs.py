"""The documentation holds: links lead somewhere, every code is explained, generated pages are current."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from polycloud.core import errors
from polycloud.estate.codes import CODES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ARCHITECTURE_LINES_MAX = 300
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.M | re.S)
# Paths of the machine that something was written on, and addresses of package registries.
FORBIDDEN = re.compile(r"/(?:work|tmp|root|home/\w+)/|pypi\.org|files\.pythonhosted|registry\.npmjs|proxy\.golang")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def slug(heading: str) -> str:
    """The anchor that a heading gets, as GitHub makes it."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    text = FENCE.sub("", page.read_text("utf8"))
    return {slug(heading) for heading in re.findall(r"^#+ (.*)$", text, re.M)}


def links(page: Path) -> Iterator[str]:
    yield from LINK.findall(FENCE.sub("", page.read_text("utf8")))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_machine_path_and_no_registry_is_named(page: Path) -> None:
    assert FORBIDDEN.findall(page.read_text("utf8")) == []


def test_every_page_is_reached_from_the_list() -> None:
    reached = {(DOCS / link.partition("#")[0]).resolve() for link in links(DOCS / "README.md")}
    assert set(DOCS.rglob("*.md")) - reached == {DOCS / "README.md"}


def kinds(kind: type[errors.PolycloudError]) -> Iterator[type[errors.PolycloudError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from kinds(child)


def test_every_error_code_has_a_section() -> None:
    found = anchors(DOCS / "reference" / "errors.md")
    mine = {k.code for k in kinds(errors.PolycloudError) if k.__module__.startswith("polycloud.")}
    assert mine - found == set()


def test_every_finding_of_an_estate_is_listed() -> None:
    text = (DOCS / "reference" / "errors.md").read_text("utf8")
    assert [code for code in CODES if f"| `{code}` |" not in text] == []


def test_generated_pages_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "tools/build_reference.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}run `make reference`"


def test_the_architecture_stays_one_page() -> None:
    assert (ROOT / "ARCHITECTURE.md").read_text("utf8").count("\n") <= ARCHITECTURE_LINES_MAX


def test_the_glossary_says_each_word_once() -> None:
    words = re.findall(r"^\| \*\*(.+?)\*\* \|", (DOCS / "glossary.md").read_text("utf8"), re.M)
    assert len(words) > 40
    assert sorted(words) == sorted(set(words))


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["project"]
    names = {re.split(r"[<>=\[; ]", spec)[0].lower() for spec in project["dependencies"]}
    text = (ROOT / "CONTRIBUTING.md").read_text("utf8").split("## Dependencies")[1].split("\n## ")[0]
    told = {name.strip().lower() for row in re.findall(r"^\| ([^|]+) \|", text, re.M) for name in row.split(",")}
    assert names - told == set()


def test_every_decision_record_says_its_state() -> None:
    for page in sorted((DOCS / "adr").glob("*.md")):
        text = page.read_text("utf8")
        assert re.search(r"^Status: .+ Date: \d{4}-\d\d-\d\d\.$", text, re.M), page
        for section in ("## Context", "## Decision", "## Consequences"):
            assert section in text, (page, section)
