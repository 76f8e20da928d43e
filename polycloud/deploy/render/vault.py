"""Vault or OpenBao over several clouds: five voters of which a whole cloud may be lost, their settings, agents, rights.

The nodes' and agents' settings are files of their own (HCL of Vault's); what is inside Vault is Terraform's. Pods and
agents sign in by the tokens that their own cluster signs, so no first secret has to be brought anywhere.
"""

import re
from itertools import product

import msgspec

from polycloud.core.geo import distance_km
from polycloud.deploy.blueprint import Blueprint, Cluster, Key, Where
from polycloud.deploy.conventions import GATEWAY_ACCOUNT, GATEWAY_NAMESPACE
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Attribute, Block, Part, Value, block, quoted, render
from polycloud.deploy.render.terraform import Root, attribute, ref, variable
from polycloud.deploy.yaml import header

FILE = "vault.tf"
VOTERS = 5
CLOUDS = 3  # over which the voters stand: two, two and one, so that three are left when a cloud is lost
ROLE = "gateway"
AUDIENCE = "vault"
DOMAIN = "vault.internal"  # the nodes' names, which must be known in the networks of all three clouds
PORT, PEER_PORT = 8200, 8201
DATA, TRANSIT = "polycloud", "transit"
TOKEN_SECONDS = 3600
VERSIONS = 10  # of a secret that are kept
SECRET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # what may stand in a path and in a template without quoting
TLS = "/vault/tls"
ROTATE_DAYS = 90


class Node(msgspec.Struct, frozen=True):
    """A voter, and the cluster that it runs in."""

    name: str
    cluster: Cluster


def add(root: Root, blueprint: Blueprint) -> None:
    """Where an estate has clusters in two clouds or more; one cloud has a store of secrets of its own."""
    nodes = voters(blueprint)
    if not nodes:
        return
    root.about(
        FILE, "Vault or OpenBao over clouds: where secrets are, who signs in and how, keys.", "secrets, clusters"
    )
    seal_site = nodes[0].cluster.site
    for node in nodes:
        told = f"The voter {node.name}, in the cluster {node.cluster.name}."
        _file(root, f"vault/{node.name}.hcl", told, _server(blueprint, node, nodes))
    for cluster in blueprint.clusters:
        told = f"The agent beside pods in the cluster {cluster.name}."
        _file(root, f"vault/agent-{_plain(cluster.name)}.hcl", told, _agent(blueprint, cluster, nodes))
    _file(root, f"vault/policies/{ROLE}.hcl", "What the gateway may do.", _rights(blueprint))
    _inside(root, blueprint)
    _sign_in(root, blueprint)
    _tell(root, nodes, seal_site)
    for secret in blueprint.secrets:
        if not SECRET.fullmatch(secret):
            root.gap(f"secrets.{secret}: its name can not stand in a path of Vault, so no agent brings it")
    root.needs(FILE, *dict.fromkeys(f"cluster:{node.cluster.name}" for node in nodes))
    root.provides("vault")


def voters(blueprint: Blueprint) -> tuple[Node, ...]:
    """Five voters over the three clouds whose clusters are nearest to each other; over two where there are two.

    The first cloud holds the key that unseals: one of those whose key other clouds' pods can be trusted with.
    """
    found = _nearest(blueprint)
    if len(found) < 2:
        return ()
    return tuple(Node(f"vault-{number}", found[number % len(found)]) for number in range(VOTERS))


def _nearest(blueprint: Blueprint) -> list[Cluster]:
    by_cloud: dict[str, list[Cluster]] = {}
    for cluster in blueprint.clusters:
        by_cloud.setdefault(cluster.site.cloud, []).append(cluster)
    count = min(CLOUDS, len(by_cloud))
    if count < 2:
        return []
    tried = []
    for anchor in blueprint.clusters:
        near = [
            min(((_km(anchor.site, c.site), c.name, c) for c in clusters), key=lambda one: one[:2])
            for cloud, clusters in sorted(by_cloud.items())
            if cloud != anchor.site.cloud
        ]
        chosen = [anchor, *(one[2] for one in sorted(near, key=lambda one: one[:2])[: count - 1])]
        widest = max(_km(a.site, b.site) for a, b in product(chosen, chosen))
        tried.append((widest, anchor.site.cloud == "oci", anchor.name, chosen))
    return min(tried, key=lambda one: one[:3])[3]


def _km(a: Where, b: Where) -> float:
    if a.latitude is None or a.longitude is None or b.latitude is None or b.longitude is None:
        return 0.0 if a.id == b.id else 20_000.0
    return distance_km((a.latitude, a.longitude), (b.latitude, b.longitude))


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]+", "-", name)


def _file(root: Root, path: str, what: str, parts: list[Part]) -> None:
    root.text(path, header(what, root.blueprint.estate, "secrets, clusters") + "\n" + render(parts))


def _host(node: Node) -> str:
    return f"{node.name}.{DOMAIN}"


def _server(blueprint: Blueprint, node: Node, nodes: tuple[Node, ...]) -> list[Part]:
    others = [
        block(
            "retry_join",
            attributes={
                "leader_api_addr": f"https://{_host(other)}:{PORT}",
                "leader_tls_servername": _host(other),
                "leader_ca_cert_file": f"{TLS}/ca.crt",
                "leader_client_cert_file": f"{TLS}/tls.crt",
                "leader_client_key_file": f"{TLS}/tls.key",
            },
        )
        for other in nodes
        if other != node
    ]
    listener: dict[str, Value] = {
        "address": f"0.0.0.0:{PORT}",
        "cluster_address": f"0.0.0.0:{PEER_PORT}",
        "tls_cert_file": f"{TLS}/tls.crt",
        "tls_key_file": f"{TLS}/tls.key",
        "tls_client_ca_file": f"{TLS}/ca.crt",
        "tls_min_version": "tls12",
    }
    return [
        Attribute("cluster_name", blueprint.estate),
        Attribute("api_addr", f"https://{_host(node)}:{PORT}"),
        Attribute("cluster_addr", f"https://{_host(node)}:{PEER_PORT}"),
        Attribute("disable_mlock", True),
        Attribute("ui", False),
        block("storage", "raft", attributes={"path": "/vault/data", "node_id": node.name}, parts=others),
        block("listener", "tcp", attributes=listener),
        seal(blueprint, nodes[0].cluster.site),
        block("telemetry", attributes={"prometheus_retention_time": "24h", "disable_hostname": True}),
    ]


def seal(blueprint: Blueprint, site: Where) -> Block:
    """By which key nodes unseal themselves: that of the site, under the names that the cloud's own root gives it."""
    key = next((one for one in blueprint.keys if one.site.id == site.id), Key("data", site, None, False))
    account = blueprint.accounts.get(site.cloud, {})
    if site.cloud == "aws":
        return block(
            "seal",
            "awskms",
            attributes={"region": site.region, "kms_key_id": f"alias/polycloud/{blueprint.estate}/{key.name}"},
        )
    if site.cloud == "gcp":
        ring = made("gcp", "cluster", blueprint.estate, key.name)
        name = made("gcp", "cluster", key.name)
        return block(
            "seal",
            "gcpckms",
            attributes={
                "project": account.get("project"),
                "region": site.region,
                "key_ring": ring,
                "crypto_key": name,
            },
        )
    if site.cloud == "azure":
        return block(
            "seal",
            "azurekeyvault",
            attributes={
                "tenant_id": account.get("tenant"),
                "vault_name": made("azure", "vault", blueprint.estate, key.name, site.region),
                "key_name": made("azure", "group", key.name),
            },
        )
    return block("seal", "ocikms", attributes={"auth_type_api_key": False})  # key and endpoints from the environment


def _agent(blueprint: Blueprint, cluster: Cluster, nodes: tuple[Node, ...]) -> list[Part]:
    """Beside a pod: signs in by the pod's own token, keeps the sign-in alive, and lays secrets into memory."""
    method = block(
        "method",
        attributes={"type": "jwt", "mount_path": f"auth/{_mount(cluster)}"},
        parts=(block("config", attributes={"role": ROLE, "path": "/var/run/secrets/vault/token"}),),
    )
    templates = [
        block(
            "template",
            attributes={
                "destination": f"/vault/secrets/{secret}",
                "contents": f'{{{{ with secret "{DATA}/data/{secret}" }}}}{{{{ .Data.data.value }}}}{{{{ end }}}}',
                "error_on_missing_key": True,
                "perms": "0400",
            },
        )
        for secret in sorted(blueprint.secrets)
        if SECRET.fullmatch(secret)
    ]
    nearest = min(nodes, key=lambda node: (_km(node.cluster.site, cluster.site), node.name))
    return [
        block(
            "vault",
            attributes={"address": f"https://{_host(nearest)}:{PORT}", "ca_cert": f"{TLS}/ca.crt"},
            parts=(block("retry", attributes={"num_retries": 5}),),
        ),
        block("auto_auth", parts=(method,)),
        block("template_config", attributes={"exit_on_retry_failure": False}),
        *templates,
    ]


def _mount(cluster: Cluster) -> str:
    return f"jwt-{_plain(cluster.name)}"


def _rights(blueprint: Blueprint) -> list[Part]:
    paths = [f"{DATA}/data/{secret}" for secret in sorted(blueprint.secrets) if SECRET.fullmatch(secret)]
    key = f"{TRANSIT}/{{}}/{DATA}"
    return [
        *(block("path", path, attributes={"capabilities": ["read"]}) for path in paths),
        *(
            block("path", key.format(verb), attributes={"capabilities": ["update"]})
            for verb in ("datakey/plaintext", "decrypt", "encrypt", "rewrap")
        ),
        block("path", "auth/token/renew-self", attributes={"capabilities": ["update"]}),
    ]


def _inside(root: Root, blueprint: Blueprint) -> None:
    section = root.section(FILE, "", "secrets", "secret")
    secrets = section.make(
        "vault_mount",
        "secrets",
        {"path": DATA, "type": "kv", "options": {"version": "2"}, "description": "Secrets of the estate, by name."},
    )
    section.make(
        "vault_kv_secret_backend_v2",
        "secrets",
        {"mount": attribute(secrets, "path"), "max_versions": VERSIONS, "cas_required": True},
    )
    transit = section.make(
        "vault_mount", "transit", {"path": TRANSIT, "type": "transit", "description": "Wraps data keys of all clouds."}
    )
    days = max((key.rotate_days or ROTATE_DAYS for key in blueprint.keys), default=ROTATE_DAYS)
    section.make(
        "vault_transit_secret_backend_key",
        "data",
        {
            "backend": attribute(transit, "path"),
            "name": DATA,
            "type": "aes256-gcm96",
            "auto_rotate_period": days * 86_400,
            "deletion_allowed": False,
            "exportable": False,
        },
    )
    section.make("vault_audit", "stdout", {"type": "file", "options": {"file_path": "stdout"}}, kind="logs")
    section.make(
        "vault_raft_autopilot",
        "voters",
        {
            "cleanup_dead_servers": True,
            "dead_server_last_contact_threshold": "24h",
            "last_contact_threshold": "10s",
            "server_stabilization_time": "10s",
            "min_quorum": VOTERS // 2 + 1,
            "max_trailing_logs": 1000,
        },
    )
    section.make(
        "vault_policy",
        ROLE,
        {"name": ROLE, "policy": ref(f'file("${{path.module}}/vault/policies/{ROLE}.hcl")')},
        kind="identity",
    )


def _sign_in(root: Root, blueprint: Blueprint) -> None:
    """Each cluster signs its pods' tokens; Vault asks that cluster's issuer for the keys to check them by."""
    root.add(
        "variables.tf",
        variable("vault_address", "Where Terraform reaches Vault.", "string", f"https://vault-0.{DOMAIN}:{PORT}"),
        variable(
            "cluster_issuers",
            "By cluster: the issuer of its tokens, from the outputs of the clouds' roots; a cluster that is not here "
            "can not sign in yet.",
            "map(string)",
            {},
        ),
    )
    mounts = ", ".join(f"{quoted(cluster.name)} = {quoted(_mount(cluster))}" for cluster in blueprint.clusters)
    root.add(FILE, block("locals", attributes={"vault_mounts": ref(f"{{ {mounts} }}")}))
    often = ref(
        "{ for name, issuer in var.cluster_issuers : name => issuer if contains(keys(local.vault_mounts), name) }"
    )
    section = root.section(FILE, "", "clusters", "identity")
    section.make(
        "vault_jwt_auth_backend",
        "clusters",
        {
            "for_each": often,
            "path": ref("local.vault_mounts[each.key]"),
            "type": "jwt",
            "oidc_discovery_url": ref("each.value"),
            "bound_issuer": ref("each.value"),
        },
    )
    section.make(
        "vault_jwt_auth_backend_role",
        ROLE,
        {
            "for_each": often,
            "backend": ref("vault_jwt_auth_backend.clusters[each.key].path"),
            "role_name": ROLE,
            "role_type": "jwt",
            "user_claim": "sub",
            "bound_subject": f"system:serviceaccount:{GATEWAY_NAMESPACE}:{GATEWAY_ACCOUNT}",
            "bound_audiences": [AUDIENCE],
            "token_policies": [ref(f"vault_policy.{ROLE}.name")],
            "token_ttl": TOKEN_SECONDS,
            "token_max_ttl": 24 * TOKEN_SECONDS,
        },
    )


def _tell(root: Root, nodes: tuple[Node, ...], site: Where) -> None:
    clouds = dict.fromkeys(node.cluster.site.cloud for node in nodes)
    if len(clouds) < CLOUDS:
        root.gap(
            f"vault: {' and '.join(clouds)} alone hold its voters: losing the cloud with three of them stops it; a "
            "third cloud would help"
        )
    root.gap(
        f"vault: its nodes unseal themselves by the key at {site.id}: let their service account (vault) use it; while "
        f"{site.cloud} is away those that run go on, and one that starts anew stays sealed"
    )
    root.gap(f"vault: the names vault-0 to vault-{VOTERS - 1} in {DOMAIN} must be known in all networks, over links")
