"""Gateways on one cloud's clusters are known in the others: what their pods show is what Terraform's roots trust."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from polycloud.app.wiring import renderers
from polycloud.deploy.render import helm, kubernetes
from polycloud.deploy.render.kubernetes.argo import acts_as
from polycloud.deploy.render.kubernetes.manifests import targets
from tests.deploy import checkers
from tests.deploy.blueprints import EVERYTHING, blueprint
from tests.deploy.estates import written

WHO = {
    "federation.aws.role": "arn:aws:iam::123456789012:role/gateway",
    "federation.azure.client": "00000000-0000-0000-0000-000000000001",
    "federation.azure.tenant": "00000000-0000-0000-0000-000000000002",
    "federation.gcp.audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/c",
}
MOUNTED = "/var/run/secrets/federation"


def pod(folder: Path, cluster: str, who: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The gateway's pod in a cluster, and all that the chart made, by kind and name."""
    chart = written(folder, helm.render(blueprint(EVERYTHING))) / "helm/polycloud"
    values = yaml.safe_load((chart / f"clusters/{cluster}.yaml").read_text())
    for path, text in who.items():
        inner = values
        *above, last = path.split(".")
        for word in above:
            inner = inner.setdefault(word, {})
        inner[last] = text
    made = checkers.helm_template(chart, values)
    assert checkers.kubernetes_strict(made, "1.35") == []
    found = {f"{one['kind']}/{one['metadata']['name']}": one for one in checkers.documents(made)}
    spec: dict[str, Any] = found["StatefulSet/polycloud"]["spec"]["template"]["spec"]
    return spec, found


def shown(spec: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """The variables of the pod, and the audience of each token by the file that it is in."""
    variables = {one["name"]: one.get("value", "") for one in spec["containers"][0]["env"]}
    sources = [s for v in spec["volumes"] if v["name"] == "federation" for s in v["projected"]["sources"]]
    tokens = [s["serviceAccountToken"] for s in sources if "serviceAccountToken" in s]
    return variables, {f"{MOUNTED}/{one['path']}": one["audience"] for one in tokens}


def of_cloud(cloud: str) -> str:
    return next(c.name for c in blueprint(EVERYTHING).clusters if c.site.cloud == cloud)


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp", "oci"])
def test_a_gateway_shows_each_other_cloud_a_token_that_is_meant_for_it(cloud: str, tmp_path: Path) -> None:
    whole = blueprint(EVERYTHING)
    target = next(t for t in targets(whole) if t.site.cloud == cloud)
    told = acts_as(whole, target)
    who = {path: WHO[path] for path in told.values() if path in WHO}
    spec, found = pod(tmp_path, target.name, who)
    variables, tokens = shown(spec)
    files = {name: variables.get(name) for name in ("AWS_WEB_IDENTITY_TOKEN_FILE", "AZURE_FEDERATED_TOKEN_FILE")}
    assert (files["AWS_WEB_IDENTITY_TOKEN_FILE"] is None) == (cloud == "aws")
    assert (files["AZURE_FEDERATED_TOKEN_FILE"] is None) == (cloud == "azure")
    assert ("GOOGLE_APPLICATION_CREDENTIALS" not in variables) == (cloud == "gcp")
    assert variables.get("OCI_CLI_AUTH") == ("oke_workload_identity" if cloud == "oci" else None)
    assert len(tokens) == 3 - (cloud != "oci")
    if cloud != "aws":
        assert variables["AWS_ROLE_ARN"] == WHO["federation.aws.role"]
        assert variables["AWS_DEFAULT_REGION"] in {s.site.region for s in whole.services if s.site.cloud == "aws"}
        assert tokens[variables["AWS_WEB_IDENTITY_TOKEN_FILE"]] == audiences("aws")
    if cloud != "azure":
        assert variables["AZURE_CLIENT_ID"] == WHO["federation.azure.client"]
        assert variables["AZURE_TENANT_ID"]
        assert tokens[variables["AZURE_FEDERATED_TOKEN_FILE"]] == audiences("azure")
    if cloud != "gcp":
        said = json.loads(found["ConfigMap/polycloud-federation"]["data"]["gcp.json"])
        assert said["type"] == "external_account" and said["audience"] == WHO["federation.gcp.audience"]
        assert tokens[said["credential_source"]["file"]] == said["audience"]
    (mount,) = [m for m in spec["containers"][0]["volumeMounts"] if m["name"] == "federation"]
    assert mount == {"name": "federation", "mountPath": MOUNTED, "readOnly": True}


def root(cloud: str) -> str:
    return "\n".join(renderers()[f"terraform/{cloud}"](blueprint(EVERYTHING)).files.values())


def audiences(cloud: str) -> str:
    """The one audience that a cloud's root takes gateways' tokens for."""
    if cloud == "aws":
        (listed,) = re.findall(r'client_id_list\s*= \["([^"]+)"\]', root("aws"))
        (asked,) = set(re.findall(r':aud" = "([^"]+)"', root("aws")))
        assert listed == asked
        return str(asked)
    text = re.search(r'"azurerm_federated_identity_credential" "gateway_abroad" \{.*?^\}', root("azure"), re.M | re.S)
    assert text is not None
    (found,) = re.findall(r'audience\s*= \["([^"]+)"\]', text[0])
    return str(found)


def test_terraform_trusts_the_account_of_those_very_pods(tmp_path: Path) -> None:
    spec, found = pod(tmp_path, of_cloud("oci"), WHO)
    space = found["StatefulSet/polycloud"]["metadata"]["namespace"]
    subject = f"system:serviceaccount:{'polycloud' if space == 'default' else space}:{spec['serviceAccountName']}"
    gateway = re.search(r'"aws_iam_role" "gateway" \{.*?^\}', root("aws"), re.M | re.S)
    assert gateway is not None and f':sub" = "{subject}"' in gateway[0]
    abroad = re.search(r'"gateway_abroad" \{.*?^\}', root("azure"), re.M | re.S)
    assert abroad is not None and f'"{subject}"' in abroad[0]
    assert f"assertion.sub == '{subject}'" in root("gcp")
    for cluster in blueprint(EVERYTHING).abroad("gcp"):  # a name that another cluster's pods have too is not enough
        assert f'clusters.name}}/attribute.pod/{cluster}/{subject}"' in root("gcp")
    assert re.search(r"""attribute\.pod" += "'\$\{each\.key\}/' \+ assertion\.sub\"""", root("gcp"))
    assert "clusters.name}/subject/" not in root("gcp")
    # No audience of its own: then Google Cloud takes the provider's own name, which is what the output tells.
    assert "allowed_audiences" not in root("gcp")
    assert '"//iam.googleapis.com/${one.name}"' in root("gcp")


def test_what_clusters_are_told_are_outputs_that_exist() -> None:
    whole = blueprint(EVERYTHING)
    page = renderers()["readme"](whole).files["README.md"]
    asked = set(re.findall(r"-chdir=terraform/(\w+) output -\w+ (\w+)", page))
    assert {("aws", "gateway_role"), ("azure", "gateway_identity"), ("gcp", "gateway_audiences")} <= asked
    for cloud, name in asked:
        assert f'output "{name}" {{' in root(cloud), (cloud, name)
    sets = checkers.documents(kubernetes.render(whole).files["argocd/applications.yaml"])
    for one in sets:
        if one["metadata"]["name"].startswith("gateway-"):
            wanted = re.findall(r"annotations\.(polycloud_\w+) }}", yaml.safe_dump(one["spec"]["template"]))
            (chosen,) = one["spec"]["generators"][0]["clusters"]["selector"]["matchExpressions"]
            for name in chosen["values"]:
                (line,) = [line for line in page.splitlines() if f"argocd cluster add {name} " in line]
                assert all(f"--annotation {word}=" in line for word in wanted), (name, wanted)
