"""A state held against the files: what is missing, what is unknown, what is otherwise; what can not be told is left."""

from typing import Any

import pytest

from polycloud.core.errors import BadRequest
from polycloud.deploy.compare import compared
from polycloud.deploy.drift import HIDDEN, Drift
from polycloud.deploy.hcl import Call, Expr, Part, Value, block
from polycloud.deploy.ports import Resource
from polycloud.deploy.state import Instance


def resource(address: str, attributes: dict[str, Value] | None = None, *parts: Part) -> Resource:
    kind, name = address.partition("/")[2].split(".")
    made = block("resource", kind, name, attributes=attributes or {}, parts=parts)
    return Resource(address, "bucket", "aws/eu-west-1", "datasets.raw", block=made)


def instance(address: str, values: dict[str, Any], *secret: str) -> Instance:
    return Instance(address, values, frozenset(secret))


def drifts(wanted: Resource, *there: Instance) -> tuple[Drift, ...]:
    return compared(there, [wanted], {}, "aws").drifts


def test_what_is_missing_and_what_no_file_describes() -> None:
    files = [resource("aws/a.here"), resource("aws/a.gone"), resource("gcp/b.other")]
    found = compared([instance("a.here", {}), instance("a.odd", {})], files, {})
    assert (found.root, found.known) == ("aws", 1)
    assert found.drifts == (
        Drift("a.gone", "not in the state", "exists", "nothing"),
        Drift("a.odd", "in no file", "nothing", "exists"),
    )


def test_what_a_variable_decides_may_be_missing() -> None:
    assert drifts(resource("aws/a.x", {"count": Expr("var.many")})) == ()
    assert drifts(resource("aws/a.x", {"for_each": Expr("toset(var.names)")})) == ()
    assert len(drifts(resource("aws/a.x", {"for_each": Call("toset", ["a"])}))) == 1
    (found,) = drifts(resource("aws/a.x", {"count": 2}), instance("a.x", {}))
    assert (found.what, found.wanted, found.found) == ("count", "2", "1")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("a", "a"),
        (3, 3.0),
        (3, "3"),
        (True, "true"),
        ("", None),
        (["b", "a"], ["a", "b"]),  # a set has no order
        ([], None),
        ({"a": "1", "b": Expr("x.y")}, {"a": "1", "b": "told by the cloud"}),
        ({"a": 1}, {"a": 1, "more": "that the provider tells"}),
        (Expr("var.a"), "anything"),
        (Call("jsonencode", {"a": 1}), "anything"),
    ],
)
def test_what_is_the_same_in_other_words_is_no_drift(wanted: Value, found: object) -> None:
    assert drifts(resource("aws/a.x", {"size": wanted}), instance("a.x", {"size": found})) == ()


@pytest.mark.parametrize(
    ("name", "wanted", "found"),
    [
        ("size", "a", "b"),
        ("size", 3, 4),
        ("size", True, False),
        ("size", ["a"], ["a", "b"]),
        ("size", {"a": 1}, {"a": 2}),
        ("size", {"a": 1}, {}),
        ("tags", {"a": "1"}, {"a": "1", "b": "by hand"}),
        ("size", "a", None),
    ],
)
def test_what_is_otherwise_is_told(name: str, wanted: Value, found: object) -> None:
    (one,) = drifts(resource("aws/a.x", {name: wanted}), instance("a.x", {name: found}))
    assert one.what == name


def test_inner_blocks_are_compared_in_whatever_order() -> None:
    pair = [block("rule", attributes={"id": name, "days": days}) for name, days in (("a", 1), ("b", 2))]
    there = [{"id": "b", "days": 2}, {"id": "a", "days": 1}]
    wanted = resource("aws/a.x", None, *pair)
    assert drifts(wanted, instance("a.x", {"rule": there})) == ()
    (one,) = drifts(wanted, instance("a.x", {"rule": [there[0], {"id": "a", "days": 9}]}))
    assert (one.what, one.wanted) == ("rule", "1 as written")
    (one,) = drifts(wanted, instance("a.x", {"rule": there[:1]}))
    assert (one.wanted, one.found) == ("2 of them", "1 of them")
    (one,) = drifts(resource("aws/a.x", None, pair[0]), instance("a.x", {"rule": [{"id": "a", "days": 9}]}))
    assert (one.what, one.wanted, one.found) == ("rule.days", "1", "9")


def test_what_the_file_leaves_to_others_is_left() -> None:
    life = block("lifecycle", attributes={"ignore_changes": [Expr("scaling[0].desired"), Expr("size")]})
    scaling = block("scaling", attributes={"desired": 1})
    wanted = resource("aws/a.x", {"size": 1, "secret_wo": "x", "depends_on": [Expr("a.b")]}, scaling, life)
    there = {"size": 2, "secret_wo": None, "scaling": [{"desired": 7}]}
    assert drifts(wanted, instance("a.x", there)) == ()


@pytest.mark.parametrize("name", ["value", "master_password", "access_key"])
def test_a_sensitive_value_is_never_shown(name: str) -> None:
    secret = ("value",) if name == "value" else ()
    (one,) = drifts(resource("aws/a.x", {name: "ours"}), instance("a.x", {name: "theirs"}, *secret))
    assert (one.wanted, one.found) == (HIDDEN, HIDDEN)


def test_a_state_of_before_a_renaming_is_of_the_same_things() -> None:
    wanted = resource("aws/a.new", {"name": "x"})
    found = compared([instance("a.old", {"name": "y"})], [wanted], {"aws/a.old": "aws/a.mid", "aws/a.mid": "aws/a.new"})
    assert [(one.address, one.what) for one in found.drifts] == [("a.new", "name")]


def test_a_state_of_no_root_is_refused() -> None:
    with pytest.raises(BadRequest, match="--root aws"):
        compared([instance("b.x", {})], [resource("aws/a.x")], {})
    with pytest.raises(BadRequest, match="no root 'oci'"):
        compared([], [resource("aws/a.x")], {}, "oci")
    with pytest.raises(BadRequest, match=r"--root aws\|gcp"):
        compared([instance("a.x", {})], [resource("aws/a.x"), resource("gcp/a.x")], {})
