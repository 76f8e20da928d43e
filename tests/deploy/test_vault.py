"""OpenBao under the tools that are there: its settings are HCL, its manifests hold, its rights are there.

Its own binary and its chart are in no package registry: the chart's values were rendered by the chart itself once
(github.com/openbao/openbao-helm 0.29.2, 2026-11).
"""

from pathlib import Path

import msgspec
import pytest
import yaml

from polycloud.app.wiring import renderers
from polycloud.deploy.checks import together
from polycloud.deploy.render import kubernetes
from polycloud.deploy.render.vault import sealing, voters
from tests.deploy import blueprints, checkers, roots
from tests.deploy.estates import NAMES, blueprint


@pytest.mark.parametrize("name", NAMES)
def test_the_settings_of_voters_and_agents_are_hcl(name: str, tmp_path: Path) -> None:
    files = kubernetes.render(blueprint(name)).files
    settings = {"voters": yaml.safe_load(files["argocd/values/vault.yaml"])["server"]["ha"]["raft"]["config"]}
    for path, text in files.items():
        if path.endswith("/agent.yaml"):
            settings |= {f"{path.split('/')[1]}-{key}": one for key, one in yaml.safe_load(text)["data"].items()}
    assert len(settings) == 1 + 2 * len(blueprint(name).clusters)
    for key, text in settings.items():
        (tmp_path / f"{key}.tf").write_text(text)  # Terraform's own parser reads the syntax, whatever the words mean
    assert checkers.terraform_fmt(tmp_path) == []


@pytest.mark.parametrize("name", NAMES)
def test_its_manifests_hold_against_their_schemas(name: str) -> None:
    files = kubernetes.render(blueprint(name)).files
    whole = "\n---\n".join(text for path, text in files.items() if path.startswith("vault/"))
    assert checkers.custom_resources(whole) == []
    for version in ("1.35", "1.36"):
        assert checkers.kubernetes_strict(whole, version) == []


@pytest.mark.parametrize("name", NAMES)
def test_without_the_right_to_the_seal_nothing_is_written(name: str) -> None:
    """The installation asks for it by name, and only the root of the seal's own cloud makes it."""
    whole = blueprint(name)
    site = sealing(voters(whole))
    parts = {renderer: made(whole) for renderer, made in renderers().items()}
    assert together(parts).problems == ()
    del parts[f"terraform/{site.cloud}"]
    missing = f"argocd/values/vault.yaml refers to vault-seal:{site.id}, which nothing provides"
    assert missing in together(parts).problems


@pytest.mark.parametrize("cloud", ["azure", "gcp"])
def test_other_clouds_grant_their_seal_under_terraform(cloud: str, tmp_path: Path) -> None:
    """The sandbox without clusters in the clouds that would hold the seal before."""
    whole = blueprint("sandbox")
    left = {"azure": ("azure", "gcp", "oci"), "gcp": ("gcp", "oci")}[cloud]
    fewer = msgspec.structs.replace(whole, clusters=tuple(c for c in whole.clusters if c.site.cloud in left))
    assert sealing(voters(fewer)).cloud == cloud
    root = blueprints.written(tmp_path, renderers()[f"terraform/{cloud}"](fewer))
    assert checkers.terraform_fmt(root) == []
    assert checkers.terraform_validate(root) == []
    issuers = {"cluster_issuers": {c.name: f"https://{c.name}.example" for c in fewer.clusters}}
    trip = checkers.terraform_roundtrip(root, roots.asked(root, issuers))
    assert trip.findings == []
    made = {one["address"]: one["values"] for one in trip.state["values"]["root_module"]["resources"]}
    homes = {node.cluster for node in voters(fewer)}
    if cloud == "azure":
        abroad = "azurerm_federated_identity_credential.vault_abroad"
        trusted = {values["issuer"] for address, values in made.items() if address.startswith(abroad)}
        assert trusted == {f"https://{c.name}.example" for c in homes if c.site.cloud != "azure"}
        assert made["azurerm_role_assignment.vault_seal"]["role_definition_name"].endswith("Encryption User")
    else:
        assert made["google_kms_crypto_key_iam_member.vault_use"]["member"].endswith("/subject/ns/vault/sa/vault")
