"""The gateway's identity may call models, for that is all that its code does with it: it copies nothing between clouds,
reads no cloud's store of secrets and wraps with no cloud's key, whatever the estate says of them."""

import re
from pathlib import Path

from polycloud.app.wiring import renderers
from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.derive import derive
from polycloud.estate import load
from tests.deploy.blueprints import EVERYTHING, ROOT

KEPT = """
secrets:
  here: {aws_secret: prod/here}
  there: {azure_secret: "https://northwind.vault.azure.net/secrets/there"}
  yonder: {gcp_secret: projects/p/secrets/yonder}
  beyond: {oci_secret: ocid1.vaultsecret.oc1.iad.abc}
  plain: {env: PLAIN}
"""
MINE = re.compile(r"gateway|serviceaccount:polycloud:polycloud|sa/polycloud|polycloudGateway|namespace = .polycloud")


def whole(tmp_path: Path) -> Blueprint:
    estate = tmp_path / "estate.yaml"
    estate.write_text((ROOT / "tests/deploy/given" / f"{EVERYTHING}.yaml").read_text() + KEPT)
    loaded = load(estate, None)
    assert loaded.estate is not None, loaded.diagnostics
    return derive(loaded.estate, Catalog.load(), Market.load())


def granted(text: str) -> list[str]:
    """Each resource of the gateway's that gives a right."""
    resources = re.findall(r'^resource "[^\n]*\n.*?^}', text, re.M | re.S)
    kinds = r'resource "(aws_iam_role_policy|google_\w*iam_\w*|azurerm_role_assignment|oci_identity_policy)"'
    return [one for one in resources if re.match(kinds, one) and MINE.search(one)]


def test_in_no_cloud_may_it_do_more_than_call_models(tmp_path: Path) -> None:
    blueprint = whole(tmp_path)
    assert any(b.site.cloud != "aws" for b in blueprint.buckets for c in b.copies_to if c.endswith(("-1", "-2")))
    seen = set()
    for cloud in ("aws", "azure", "gcp", "oci"):
        files = renderers()[f"terraform/{cloud}"](blueprint).files
        for one in granted("\n".join(files.values())):
            seen.add(cloud)
            actions = {a for said in re.findall(r"Action += \[(.*?)\]", one, re.S) for a in re.findall('"(.*?)"', said)}
            assert actions <= {"bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"}, one
            assert set(re.findall(r'"(aiplatform\.[\w.]+)"', one)) <= {"aiplatform.endpoints.predict"}, one
            assert set(re.findall(r'role_definition_name = "([^"]+)"', one)) <= {"Cognitive Services OpenAI User"}, one
            assert not re.search(r"roles/|objects|secret|keys|storage", one), one
            assert set(re.findall(r"any-user to (\w+ [\w-]+)", one)) <= {"use generative-ai-chat"}, one
    assert seen == {"aws", "azure", "gcp", "oci"}


def test_in_openbao_it_reads_what_agents_bring_and_wraps_nothing(tmp_path: Path) -> None:
    files = renderers()["terraform/vault"](whole(tmp_path)).files
    (policy,) = [text for path, text in files.items() if path.endswith("policies/gateway.hcl")]
    assert re.findall(r'path "([^"]+)"', policy) == ["polycloud/data/plain", "auth/token/renew-self"]


def test_what_only_a_cloud_keeps_is_told_as_not_read(tmp_path: Path) -> None:
    gaps = renderers()["kubernetes"](whole(tmp_path)).gaps
    (told,) = [gap for gap in gaps if gap.startswith("secrets.")]
    assert all(name in told for name in ("here", "there", "yonder", "beyond")) and "plain" not in told
