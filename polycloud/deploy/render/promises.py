"""Tests that ship with each Terraform root (`terraform test`): what the estate promises, asserted over the plan.

Providers are mocked, so that the tests need no account: only what a plan knows before it is applied is asserted.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.hcl import Block, Expr, Value, block, quoted
from polycloud.deploy.render.terraform import Root


class Promise(NamedTuple):
    """What must hold (``condition`` is an expression), and what it means when it does not."""

    condition: str
    broken: str


class Mock(NamedTuple):
    """What a data source answers in the tests."""

    kind: str
    answers: Mapping[str, Value]


def add(
    root: Root,
    providers: Mapping[str, Iterable[Mock]],
    runs: Mapping[str, Iterable[Promise]],
    given: Mapping[str, Value] | None = None,
) -> None:
    """The file ``tests/<root>.tftest.hcl``: a run for each subject. ``given`` are values of variables that have none;
    what else has no default gets a value of its type. Providers are named as resources do: ``oci`` or ``oci.home``."""
    file = f"tests/{root.cloud}.tftest.hcl"
    root.about(file, "What the estate promises, over the plan, without an account: terraform test.", "all of it")
    read = root.asks_clouds_for()
    for provider, mocks in providers.items():
        name, _, alias = provider.partition(".")
        mocked = [_mock(mock) for mock in mocks if mock.kind in read]
        root.add(file, block("mock_provider", name, attributes={"alias": alias or None}, parts=mocked))
    values = {**_samples(root), **(given or {})}
    if values:
        root.add(file, block("variables", attributes=values))
    for name, promises in runs.items():
        asserts = [_assert(promise) for promise in promises]
        if asserts:
            root.add(file, block("run", name, attributes={"command": Expr("plan")}, parts=asserts))


def inside(blueprint: Blueprint, cloud: str, data_class: str, region: str) -> Promise:
    """That a region is one where each of the classes may be."""
    allowed = [set(blueprint.regions_allowed.get(name, ())) for name in data_class.split()]
    sites = sorted(set.intersection(*allowed)) if allowed else []
    regions = ", ".join(quoted(site.partition("/")[2]) for site in sites if site.startswith(f"{cloud}/"))
    return Promise(f"contains([{regions}], lower({region}))", f"{data_class} must stay where it may be")


def some(blocks: str, *tests: str) -> str:
    """That one of the blocks is as all of the tests say, which call it ``rule``."""
    return f"anytrue([for rule in {blocks} : try({' && '.join(tests)}, false)])"


def exactly(texts: str, wanted: Iterable[str]) -> str:
    """That these texts are the wanted ones, in whichever order."""
    return f'join(",", sort({texts})) == {quoted(",".join(sorted(wanted)))}'


def _mock(mock: Mock) -> Block:
    return block("mock_data", mock.kind, attributes={"defaults": mock.answers})


def _assert(promise: Promise) -> Block:
    return block("assert", attributes={"condition": Expr(promise.condition), "error_message": f"{promise.broken}."})


SAMPLES: Mapping[str, Value] = {"list": [], "set": [], "map": {}, "number": 1, "bool": False}


def _samples(root: Root) -> dict[str, Value]:
    return {name: SAMPLES.get(kind.partition("(")[0], "example") for name, kind in root.asked()}
