"""Texts that other tools would misread are refused by their line, and odd ones that they take are not."""

from pathlib import Path

import pytest

from polycloud.catalog import Catalog
from polycloud.core.diagnostics import Diagnostic
from polycloud.estate import check, load

ESTATE = """
estate: texts
description: "%s"
clouds: {aws: {sites: [us-east-1]}}
onprem: {hall: {country: DE, models_at: "%s"}}
workloads:
  train: {kind: training, image: "i:1", command: ["%s"]}
  web: {kind: application, image: "i:1", command: ["%s"]}
alerts: {primary: [day], rotations: {day: {people: [a], time_zone: "%s", hours: "%s"}}}
"""
FIELDS = ("description", "url", "train", "web", "zone", "hours")
USUAL = ("what it is for", "http://10.0.0.5:8000/v1", "run", "run", "Europe/Berlin", "16:00-24:00")


def told(folder: Path, **given: str) -> list[Diagnostic]:
    path = folder / "estate.yaml"
    path.write_text(ESTATE % tuple(dict(zip(FIELDS, USUAL, strict=True), **given).values()), encoding="utf-8")
    return [d for d in check(load(path, None), Catalog.load()) if d.severity == "error"]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"description": "d\u00e9j\u00e0 \u05e9\u05dc\u05d5\u05dd \\n ${x} {{ y }}"},
        {"web": "--format={{ .Names }}"},
        {"url": "http://[::1]:8000/v1"},
        {"url": "https://{region}.models.example/v1?x=1"},
        {"zone": "UTC"},
        {"hours": "22:30-06:00"},
    ],
)
def test_what_tools_take_is_taken(tmp_path: Path, given: dict[str, str]) -> None:
    assert told(tmp_path, **given) == []


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({"description": "a\\x01b"}, "form_wrong", "U+0001"),
        ({"description": "safe\\u202e"}, "form_wrong", "U+202E"),
        ({"description": "a\\u2028- b"}, "form_wrong", "U+2028"),
        ({"train": "{{workflow.name}}"}, "form_wrong", "Argo Workflows"),
        ({"url": "http://10.0.0.5:80000/v1"}, "url_malformed", "80000"),
        ({"url": "http://10.0.0.5:8000v/"}, "url_malformed", "8000v"),
        ({"url": "http://h/'x"}, "url_malformed", "h/'x"),
        ({"zone": "Europe/Berlim"}, "choice_unknown", "Europe/Berlim"),
        ({"hours": "25:00-26:00"}, "form_wrong", ""),
    ],
)
def test_what_they_would_misread_is_refused_with_its_line(
    tmp_path: Path, given: dict[str, str], code: str, words: str
) -> None:
    found = told(tmp_path, **given)
    assert [d.code for d in found] == [code]
    assert words in found[0].message and found[0].fix and found[0].place.line > 1
