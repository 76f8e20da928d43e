"""Every right in the rendered roots names what it is for; where a cloud can not say it, the file gives the reason."""

import re
from collections.abc import Iterator, Mapping, Sequence

import pytest

from polycloud.app.wiring import renderers
from polycloud.deploy.hcl import Attribute, Block, Call, Comment, Expr, Value
from tests.deploy.blueprints import EVERYTHING, NAMES
from tests.deploy.blueprints import blueprint as estate

ESTATES = (*NAMES, EVERYTHING)
# Built-in roles of Azure that write more than data, each for one thing of ours alone.
WIDER = {"Key Vault Contributor": "azurerm_key_vault", "Network Contributor": "azurerm_virtual_network"}
NEVER = re.compile(
    r"roles/(owner|editor|viewer)$|\.(admin|securityAdmin)$|^(Owner|Contributor|User Access Administrator)$"
)


def resources(cloud: str, name: str) -> Iterator[tuple[str, Block]]:
    for one in renderers()[f"terraform/{cloud}"](estate(name)).resources:
        if one.block is not None:
            yield one.address.partition("/")[2], one.block


def given(block: Block) -> dict[str, Value]:
    return {part.name: part.value for part in block.body if isinstance(part, Attribute)}


def reason(block: Block) -> bool:
    """Whether the file says why, in a comment that is none of a checker's."""
    return any(isinstance(part, Comment) and not part.text.startswith("checkov:") for part in block.body)


def texts(value: Value) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Expr):
        return [value.text.strip('"')]
    return [text for one in value for text in texts(one)] if isinstance(value, Sequence) else []


def statements(block: Block) -> Iterator[Mapping[str, Value]]:
    """Those that allow; a trust that is made at apply time names its accounts itself."""
    for value in given(block).values():
        document = value.argument if isinstance(value, Call) and value.function == "jsonencode" else None
        said = document.get("Statement") if isinstance(document, Mapping) else None
        for one in said if isinstance(said, list) else ():
            if isinstance(one, Mapping) and one["Effect"] == "Allow":
                yield one


def wide(statement: Mapping[str, Value]) -> bool:
    """Whether a statement stands for all actions of a kind, or for all things of one, with nothing that binds it."""
    everywhere = any(text == "*" or re.search(r"/\*$|:\*$", text) for text in texts(statement.get("Resource")))
    named = re.compile(r":s3:::|:log-group:/|aws_s3_bucket|aws_cloudwatch_log_group")  # what is in one thing of ours
    ours = all(named.search(text) for text in texts(statement.get("Resource")) if "*" in text)
    actions = any("*" in text for text in texts(statement["Action"]))
    return (actions or (everywhere and not ours)) and "Condition" not in statement


@pytest.mark.parametrize("name", ESTATES)
def test_what_aws_allows_is_named_or_bound_or_has_its_reason(name: str) -> None:
    seen = 0
    for address, block in resources("aws", name):
        for one in statements(block):
            seen += 1
            assert not wide(one) or reason(block), (address, one)
            assert "iam:PassRole" not in texts(one["Action"]), address
    assert seen or not list(resources("aws", name))


@pytest.mark.parametrize("name", ESTATES)
def test_what_google_cloud_binds_is_on_a_thing_or_has_its_reason(name: str) -> None:
    for address, block in resources("gcp", name):
        kind, here = block.labels[0], given(block)
        if kind == "google_project_iam_member":
            assert reason(block), address
        for text in texts(here.get("role")):
            assert not NEVER.search(text), address
        for text in texts(here.get("member")):
            assert "allUsers" not in text and "allAuthenticatedUsers" not in text, address


@pytest.mark.parametrize("name", ESTATES)
def test_what_azure_assigns_is_on_a_thing_and_says_what_for(name: str) -> None:
    for address, block in resources("azure", name):
        if block.labels[0] != "azurerm_role_assignment":
            continue
        here = given(block)
        (role,), (scope,), (why,) = (texts(here[key]) for key in ("role_definition_name", "scope", "description"))
        assert why and not NEVER.search(role), address
        if scope.startswith("azurerm_resource_group"):
            assert role == "Monitoring Reader", address
        assert re.match(r"\$?\{?azurerm_\w+\.", scope), address
        if "Contributor" in role and role != "Storage Blob Data Contributor":
            assert scope.startswith(f"{WIDER[role]}."), address


@pytest.mark.parametrize("name", ESTATES)
def test_what_oracle_cloud_allows_says_to_whom_and_on_what(name: str) -> None:
    for address, block in resources("oci", name):
        if block.labels[0] != "oci_identity_policy":
            continue
        here = given(block)
        assert texts(here["description"]) and texts(here["compartment_id"]) == ["var.compartment"], address
        for one in texts(here["statements"]):
            who, verb, kind, where = re.fullmatch(
                r"Allow (.+?) to (inspect|read|use|manage) ([a-z-]+) in compartment id \$\{var\.compartment\}(.*)", one
            ).groups()  # type: ignore[union-attr]
            assert kind != "all-resources", one
            assert not who.startswith("any-user") or "request.principal.type = '" in where, one
            if verb == "manage" and "cluster-autoscaler" not in where and not who.startswith("service "):
                assert "request.permission = '" in where or kind == "network-security-groups", one
