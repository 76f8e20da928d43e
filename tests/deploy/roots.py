"""What every Terraform root has to stand, whichever cloud it is for: the real Terraform, its shipped tests, checkov."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.ports import Rendered, Renderer
from tests.deploy import checkers
from tests.deploy.blueprints import EVERYTHING, blueprint, secrets_in, written

# What every estate with a sign-in has to be told.
NEEDED = {"home_region": "eu-frankfurt-1", "organization": "123456789012", "sso_metadata": "<EntityDescriptor/>"}
HOSTILE = 'x${file("/etc/passwd")}"\n}\nresource "null_resource" "hostile" {\n#%{ for a in b }\\'


def rendered(renderer: Renderer, name: str) -> Rendered:
    found = renderer(blueprint(name))
    if not found.files:
        pytest.skip(f"{name} has nothing there")
    return found


def is_planned_once(renderer: Renderer, name: str, folder: Path, given: Mapping[str, Any]) -> None:
    """fmt, validate, plan, apply, and nothing left to do; what is planned is what the render says that it makes."""
    found = rendered(renderer, name)
    root = written(folder, found)
    assert checkers.terraform_fmt(root) == []
    assert checkers.terraform_pins(root) == []
    assert checkers.engine(root)
    for engine in checkers.terraform_engines(root):  # the oldest that is supported, and the newest
        assert checkers.terraform_validate(root, engine) == []
    trip = checkers.terraform_roundtrip(root, asked(root, given if name == EVERYTHING else NEEDED))
    assert trip.findings == []
    planned = {
        change["address"].partition("[")[0]
        for change in trip.plan["resource_changes"]
        if not change["address"].startswith("data.")
    }
    promised = {resource.address.partition("/")[2] for resource in found.resources}
    assert planned <= promised
    for address in promised - planned:  # made only once a person has said something
        assert "var." in how_often(found, address), address


def how_often(found: Rendered, address: str) -> str:
    """The line of a resource that says how often it is made."""
    kind, _, label = address.partition(".")
    start = f'resource "{kind}" "{label}" {{\n'
    (text,) = [text for text in found.files.values() if start in text]
    line = text.partition(start)[2].partition("\n")[0]
    return line if line.split()[0] in ("count", "for_each") else ""


def asked(root: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Of what a person gives, that for which the root has variables."""
    text = (root / "variables.tf").read_text()
    return {name: value for name, value in given.items() if f'variable "{name}"' in text}


def ships_tests_that_pass(renderer: Renderer, name: str, folder: Path) -> None:
    assert checkers.terraform_test(written(folder, rendered(renderer, name))) == []


def ships_tests_that_see(renderer: Renderer, file: str, right: str, wrong: str, folder: Path) -> list[str]:
    """What the shipped tests of the sandbox say when something in a file is changed."""
    root = written(folder, renderer(blueprint("sandbox")))
    text = (root / file).read_text()
    assert right in text
    (root / file).write_text(text.replace(right, wrong))
    return checkers.terraform_test(root)


def is_clean(renderer: Renderer, name: str, folder: Path) -> None:
    """Checkov finds nothing, what it is told to skip has a reason, and no secret is in a file."""
    found = rendered(renderer, name)
    assert checkers.checkov(written(folder, found)) == []
    skips = [line for text in found.files.values() for line in text.splitlines() if "checkov:skip" in line]
    assert all(len(line.split(":", 2)[2]) > 20 for line in skips)
    assert secrets_in(found) == []


def keeps_texts(renderer: Renderer, folder: Path, as_written: str = HOSTILE) -> None:
    """Texts of an estate that look like expressions arrive in the plan as they were written, or as labels allow."""
    root = written(folder, renderer(hostile(blueprint("sandbox"))))
    trip = checkers.terraform_roundtrip(root)
    assert trip.findings == []
    assert json.dumps(as_written)[1:-1] in json.dumps(trip.plan)
    assert all(change["type"] != "null_resource" for change in trip.plan["resource_changes"])


def hostile(plain: Blueprint) -> Blueprint:
    """A blueprint whose free texts try to be expressions."""
    replace = msgspec.structs.replace
    return replace(
        plain,
        tags={**plain.tags, "owner": HOSTILE},
        buckets=tuple(replace(bucket, source=HOSTILE) for bucket in plain.buckets),
        services=tuple(replace(service, model=HOSTILE, owner=HOSTILE, source=HOSTILE) for service in plain.services),
        links=tuple(replace(link, provider=HOSTILE) for link in plain.links),
    )
