"""The page beside the rendered files: what is there, in which order it is applied, what is left to do by hand."""

import shlex
from collections.abc import Callable

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.conventions import GATEWAY_NAMESPACE, INGRESS
from polycloud.deploy.ports import Rendered
from polycloud.deploy.render import terraform_global, vault
from polycloud.deploy.render.kubernetes import argo
from polycloud.deploy.render.kubernetes.manifests import CLUSTER, Target, targets
from polycloud.deploy.render.mesh.joined import AUTHORITY, DNS_TOKEN, ENTRY_TLS, entry_name, label, proved
from polycloud.deploy.yaml import header

CREDENTIALS = {
    "aws": "aws eks update-kubeconfig --alias NAME",
    "azure": "az aks get-credentials --context NAME",
    "gcp": "gcloud container clusters get-credentials",
    "oci": "oci ce cluster create-kubeconfig",
}
# What Terraform says of who a cluster's gateway is in each cloud.
IDENTITIES = {
    "polycloud_aws": "terraform -chdir=terraform/aws output -raw gateway_role",
    "polycloud_gateway": "terraform -chdir=terraform/azure output -raw gateway_identity",
    "polycloud_tenant": "terraform -chdir=terraform/azure output -raw gateway_tenant",
    "polycloud_gcp": "terraform -chdir=terraform/gcp output -json gateway_audiences | jq -r --arg at NAME '.[$at]'",
}


def render(blueprint: Blueprint) -> Rendered:
    """One page; names of an estate can not break out of their places in it."""
    head = header("What is in this folder, and how to apply it", blueprint.estate, "all of it").replace("# ", "")
    lines = ["<!--", head.rstrip(), "-->", f"# {_plain(blueprint.estate)}", ""]
    lines += ["Written from one estate; change the estate and render again, rather than these files.", ""]
    lines += ["## In this order", ""]
    steps = [step for made in STEPS for step in made(blueprint)]
    lines += [f"{at}. {step}" for at, step in enumerate(steps, 1)]
    lines += [
        "",
        "## Clusters",
        "",
        "| cluster | site | Kubernetes | pools (machine, least to most) |",
        "|---|---|---|---|",
    ]
    for cluster in blueprint.clusters:
        pools = ", ".join(
            f"{p.name} ({p.machine}, {p.least} to {p.most}{', spot' if p.spot else ''})" for p in cluster.pools
        )
        lines.append(f"| {_plain(cluster.name)} | {cluster.site.id} | {cluster.version} | {_plain(pools)} |")
    lines += [
        "",
        "`terraform test` in each root and `promtool test rules` in `monitoring/prometheus/tests` check the rest.",
        "",
    ]
    return Rendered({"README.md": "\n".join(lines)})


def _roots(blueprint: Blueprint) -> list[str]:
    clouds = sorted({key.site.cloud for key in blueprint.keys} | {n.site.cloud for n in blueprint.networks})
    folders = ", ".join(f"`terraform/{cloud}`" for cloud in clouds)
    return [
        f"{folders}: for each make the place of its state once (see `backend.tf`), then `terraform init`, "
        "`terraform providers lock` to record the providers' checksums, `terraform plan`, `terraform apply`. Where a "
        "variable asks for another root's output, such as `cluster_issuers`, apply it again once that root is there."
    ] * bool(clouds)


def _contexts(blueprint: Blueprint) -> list[str]:
    clouds = sorted({cluster.site.cloud for cluster in blueprint.clusters})
    if not clouds:
        return []
    ways = ", ".join(f"`{CREDENTIALS[cloud]}`" for cloud in clouds)
    steps = [f"A context of kubectl for each cluster, under the cluster's own name ({ways}; the outputs say the rest)."]
    making = [
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -days 3650 -subj /CN="
        f"{shlex.quote(' '.join(blueprint.estate.split()))} -keyout ca.key -out ca.crt",
        f"for at in {_names(blueprint)}; do",
        '  kubectl --context "$at" create namespace cert-manager',
        f'  kubectl --context "$at" -n cert-manager create secret tls {AUTHORITY} --cert=ca.crt --key=ca.key',
        "done",
    ]
    told = (
        "The authority of all certificates, made once and put into each cluster; then lock `ca.key` away. Istio and "
        "OpenBao have certificates under it, which is why clusters trust each other:"
    )
    steps.append(told + _block(making))
    by_hand = (
        f"By hand in each cluster, for no file holds a secret: the ConfigMap `polycloud-estate` and, where the estate "
        f"has secrets, the Secret `polycloud-secrets` in `{GATEWAY_NAMESPACE}`{_certified(blueprint)}"
    )
    return [*steps, by_hand]


def _certified(blueprint: Blueprint) -> str:
    """Where the certificate of the entry comes from, and what a person gives for it."""
    if blueprint.edge is None:
        named = ", ".join(f"`{entry_name(cluster)}`" for cluster in blueprint.clusters)
        return (
            ". Without an entry in the estate, the load balancers are inside alone, and have certificates of that "
            f"authority for {named}: give these names to them in a DNS zone of your own."
        )
    if proved(blueprint):
        return (
            f"; the Secret `{DNS_TOKEN}` in `cert-manager`, with a token of Cloudflare that may edit the zone's DNS "
            "under the key `token`: by it cert-manager gets the certificates of the public name and renews them."
        )
    return (
        f"; the Secret `{ENTRY_TLS}` in `{INGRESS}`, with the certificate of the public name, which you renew yourself."
    )


def _names(blueprint: Blueprint) -> str:
    return " ".join(shlex.quote(cluster.name) for cluster in blueprint.clusters)


def _registered(blueprint: Blueprint) -> list[str]:
    """Argo CD knows each cluster, with what only Terraform's outputs tell."""
    found = targets(blueprint)
    if not found:
        return []
    nodes = vault.voters(blueprint)
    lines = [_register(blueprint, cluster, nodes) for cluster in found]
    steps = [
        "Argo CD in a cluster of your choice (argo-cd.readthedocs.io), and each cluster in it under its name. What is "
        "written in capitals is yours to fill in:" + _block(lines)
    ]
    last = (
        "`kubectl apply -n argocd -f argocd/projects.yaml -f argocd/platform.yaml -f argocd/applications.yaml`: from "
    )
    last += (
        "here on Argo CD applies charts, mesh, workloads and the gateway by itself. Once the Secret `cacerts` is in "
    )
    last += "`istio-system`, restart istiod there once, so that it signs by it."
    steps.append(last)
    if len(blueprint.clusters) > 1:
        lines = [
            f"for a in {_names(blueprint)}; do for b in {_names(blueprint)}; do",
            '  [ "$a" = "$b" ] || istioctl create-remote-secret --context="$a" --name="$a" |',
            '    kubectl --context "$b" apply -f -',
            "done; done",
        ]
        steps.append(
            "The clusters see each other's services, which gives every name its way; istiod of each must reach the "
            "Kubernetes API of the others, over a link where it is private:" + _block(lines)
        )
    return steps


def _register(blueprint: Blueprint, cluster: Target, nodes: tuple[vault.Node, ...]) -> str:
    name = shlex.quote(cluster.name)
    words = [f"argocd cluster add {name} --name {name} --label {CLUSTER}={label(cluster)}"]
    for annotation in argo.annotations(blueprint, cluster, nodes):
        if annotation == argo.SEAL:
            cloud = vault.sealing(nodes).cloud
            words.append(f'--annotation {annotation}="$(terraform -chdir=terraform/{cloud} output -raw vault_seal)"')
        elif annotation in IDENTITIES:
            words.append(f'--annotation {annotation}="$({IDENTITIES[annotation].replace("NAME", name)})"')
        else:
            words.append(f"--annotation {annotation}={annotation.rpartition('polycloud_')[2].upper()}")
    return " ".join(words)


def _opened(blueprint: Blueprint) -> list[str]:
    nodes = vault.voters(blueprint)
    if not nodes:
        return []
    first = nodes[0]
    at = f"kubectl --context {shlex.quote(first.cluster.name)} -n {vault.SPACE}"
    lines = [
        f"{at} exec {first.name} -c openbao -- bao operator init  # recovery keys: lock them away",
        f"{at} exec {first.name} -c openbao -- bao operator raft list-peers  # all five, once logged in",
        f"{at} port-forward svc/{first.name} {vault.PORT} &  # for terraform/vault, with VAULT_TOKEN",
    ]
    return [
        "OpenBao is opened once; its voters unseal themselves and the others join:" + _block(lines),
        "`terraform/vault`: who signs in to OpenBao from which cluster, and to what. Then put the secrets there.",
    ]


def _joined(blueprint: Blueprint) -> list[str]:
    """Links come before all that talks over them."""
    if not terraform_global.wanted(blueprint):
        return []
    return ["`terraform/global`: what spans clouds, links and the public name. It asks for outputs of the roots above."]


def _called(blueprint: Blueprint) -> list[str]:
    if not blueprint.clusters:
        return []
    steps = []
    if blueprint.edge is not None and terraform_global.wanted(blueprint):
        steps.append(
            "`terraform/global` again, once load balancers have their addresses (`kubectl -n "
            f"{INGRESS} get service`): as `cluster_addresses`, by which callers find them."
        )
    steps.append(
        "`monitoring`: Prometheus, Alertmanager, Grafana and the collectors, installed as you are used to, with "
        "these settings; secrets are mounted, none is in a file."
    )
    return steps


STEPS: tuple[Callable[[Blueprint], list[str]], ...] = (_roots, _joined, _contexts, _registered, _opened, _called)


def _block(lines: list[str]) -> str:
    return "".join(("\n\n   ```sh\n", *(f"   {line}\n" for line in lines), "   ```\n"))


def _plain(text: str) -> str:
    """Text that stands in a table or heading: Markdown's own marks are escaped."""
    return "".join(f"\\{c}" if c in "|`<>[]*_\\" else " " if c in "\r\n" else c for c in text)
