"""Every service account that a cloud trusts, in whatever words, is one under which rendered pods run, and there."""

import re
from typing import Any

import yaml

from polycloud.app import wiring
from polycloud.deploy.checks import together
from polycloud.deploy.hcl import Attribute
from polycloud.deploy.ports import Rendered
from polycloud.deploy.render.monitoring import metrics
from tests.deploy.placed_runs import by_hand

# How clouds name the account of a pod: in tokens, in Google's principals, in GKE's workload identity.
NAMED = (
    re.compile(r"system:serviceaccount:([a-z0-9-]+):([a-z0-9-]+)"),
    re.compile(r"subject/ns/([a-z0-9-]+)/sa/([a-z0-9-]+)"),
    re.compile(r"svc\.id\.goog\[([a-z0-9-]+)/([a-z0-9-]+)\]"),
)
SYSTEM = {"aws-node", "ebs-csi-controller-sa"}  # of EKS's own add-ons


def whole() -> Rendered:
    return together({name: renderer(by_hand()) for name, renderer in wiring.renderers().items()}).rendered


def made(files: dict[str, str]) -> set[tuple[str, str]]:
    """Namespace and name of the accounts in overlays, of the charts that Argo CD installs, and of exporters."""
    watch = (metrics.COLLECTOR, "yace", "stackdriver-exporter", "azure-metrics-exporter")  # people install these
    found = {(metrics.NAMESPACE, account) for account in watch}
    for path, text in files.items():
        documents: list[Any] = (
            [d for d in yaml.safe_load_all(text) if d] if path.endswith(".yaml") and _plain(path) else []
        )
        for one in documents:
            if one.get("kind") == "ServiceAccount":
                found.add((one["metadata"]["namespace"], one["metadata"]["name"]))
            if one.get("kind") == "ApplicationSet":
                spec = one["spec"]["template"]["spec"]
                releases = [source["helm"]["releaseName"] for source in spec["sources"] if "helm" in source]
                found |= {(spec["destination"]["namespace"], release) for release in releases}
                for generator in one["spec"]["generators"]:
                    for part in generator.get("matrix", {}).get("generators", []):
                        for element in part.get("list", {}).get("elements", []):
                            found.add((element.get("namespace", ""), element.get("release", "")))
    return found


def _plain(path: str) -> bool:
    return path.startswith(("kubernetes/overlays/", "argocd/")) and "/values/" not in path


def test_whom_clouds_trust_is_who_runs() -> None:
    rendered = whole()
    known = made(rendered.files)
    asked: dict[tuple[str, str], str] = {}
    for path, text in rendered.files.items():
        if path.startswith("terraform/") and path.endswith(".tf"):
            asked |= {(found[1], found[2]): path for pattern in NAMED for found in pattern.finditer(text)}
    for one in rendered.resources:
        if one.block is not None and one.block.labels[0] == "aws_eks_pod_identity_association":
            given = {part.name: part.value for part in one.block.body if isinstance(part, Attribute)}
            asked[str(given["namespace"]), str(given["service_account"])] = one.address
    lost = {pair: where for pair, where in asked.items() if pair not in known and pair[1] not in SYSTEM}
    assert lost == {}
    assert {"polycloud", "workloads", "vault", "monitoring", "kube-system"} <= {space for space, _ in asked}


def test_the_seal_of_openbao_may_be_opened_and_closed() -> None:
    """Whoever runs the voters needs both: what is kept is wrapped anew at every change of the root key."""
    text = whole().files["terraform/aws/vault.tf"]
    assert {"kms:Encrypt", "kms:Decrypt"} <= set(re.findall(r"kms:\w+", text))
