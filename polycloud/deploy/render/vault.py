"""OpenBao over several clouds: five voters of which a whole cloud may be lost, their settings, agents, rights.

``terraform_vault`` says what is inside, ``kubernetes/vault`` installs them. Pods and agents sign in by the tokens that
their own cluster signs, so no first secret has to be brought anywhere.
"""

import re
from itertools import product

import msgspec

from polycloud.core.geo import distance_km
from polycloud.deploy.blueprint import Blueprint, Cluster, Key, Where
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Attribute, Block, Part, Value, block, render
from polycloud.deploy.render import import_forms

VOTERS = 5
CLOUDS = 3  # over which the voters stand: two, two and one, so that three are left when a cloud is lost
ROLE = "gateway"
AUDIENCE = "vault"
SPACE = ACCOUNT = "vault"  # the namespace of voters and agents, and the service account that unseals
DOMAIN = f"{SPACE}.svc.cluster.local"  # the mesh knows the voters' names in every cluster
PORT, PEER_PORT = 8200, 8201
DATA = "polycloud"  # where secrets are, and the key of data keys
SECRET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # what may stand in a path and in a template without quoting
PLACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)+")  # a path as an API of OpenBao names it
KEPT_TOKEN = "/home/vault/.vault-token"  # noqa: S105 - in memory, where the injector's own sink would be
TLS, AGENT_TLS = "/openbao/tls", "/vault/tls"  # where certificates are: a voter's, and beside an agent
TOKEN = "/var/run/secrets/vault.hashicorp.com/serviceaccount/token"  # noqa: S105 - where the injector mounts it
# Whose key unseals, the first of these with a voter: all take tokens of other clouds' clusters but for Google Cloud,
# where they want a file of one's own, and Oracle Cloud, whose seal knows machines and keys of users alone
# (openbao.org/docs/configuration/seal and github.com/openbao/go-kms-wrapping, 2026-11).
SEALING = ("aws", "azure", "gcp")


class Node(msgspec.Struct, frozen=True):
    """A voter, and the cluster that it runs in. Its name is its pod's."""

    name: str
    cluster: Cluster


def release(cluster: Cluster) -> str:
    """What the voters of a cluster are installed as; no cloud has two clusters with voters."""
    return f"vault-{cluster.site.cloud}"


def host(node: Node) -> str:
    return f"{node.name}.{DOMAIN}"


def voters(blueprint: Blueprint) -> tuple[Node, ...]:
    """Five voters over the three clouds whose clusters are nearest to each other; over two where there are two."""
    found = _nearest(blueprint)
    return tuple(
        Node(f"{release(found[number % len(found)])}-{number // len(found)}", found[number % len(found)])
        for number in range(VOTERS if found else 0)
    )


def sealing(nodes: tuple[Node, ...]) -> Where:
    """The site whose key unseals all voters: they share one."""
    return min((node.cluster.site for node in nodes if node.cluster.site.cloud in SEALING), key=_seals)


def _seals(site: Where) -> int:
    return SEALING.index(site.cloud)


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
        tried.append((widest, anchor.name, chosen))
    return min(tried, key=lambda one: one[:2])[2]


def _km(a: Where, b: Where) -> float:
    if a.latitude is None or a.longitude is None or b.latitude is None or b.longitude is None:
        return 0.0 if a.id == b.id else 20_000.0
    return distance_km((a.latitude, a.longitude), (b.latitude, b.longitude))


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]+", "-", name)


def server(blueprint: Blueprint, nodes: tuple[Node, ...]) -> str:
    """The settings of every voter; the chart puts the pod's own name where HOSTNAME stands, and its addresses into its
    environment."""
    joins = [
        block(
            "retry_join",
            attributes={
                "leader_api_addr": f"https://{host(node)}:{PORT}",
                "leader_tls_servername": host(node),
                "leader_ca_cert_file": f"{TLS}/ca.crt",
                "leader_client_cert_file": f"{TLS}/tls.crt",
                "leader_client_key_file": f"{TLS}/tls.key",
            },
        )
        for node in nodes
    ]
    listener: dict[str, Value] = {
        "address": f"[::]:{PORT}",
        "cluster_address": f"[::]:{PEER_PORT}",
        "tls_cert_file": f"{TLS}/tls.crt",
        "tls_key_file": f"{TLS}/tls.key",
        "tls_client_ca_file": f"{TLS}/ca.crt",
        "tls_min_version": "tls12",
    }
    parts: list[Part] = [
        Attribute("ui", False),
        block("storage", "raft", attributes={"path": "/openbao/data", "node_id": "HOSTNAME"}, parts=joins),
        block("listener", "tcp", attributes=listener),
        block("service_registration", "kubernetes"),
        # An audit device is made by the settings alone, openbao.org/docs/configuration/audit, 2026-11.
        block("audit", "file", "stdout", parts=(block("options", attributes={"file_path": "/dev/stdout"}),)),
        seal(blueprint, sealing(nodes)),
        block("telemetry", attributes={"prometheus_retention_time": "24h", "disable_hostname": True}),
    ]
    return render(parts)


def seal(blueprint: Blueprint, site: Where) -> Block:
    """By which key nodes unseal themselves: that of the site, under the names that the cloud's own root gives it."""
    key = seal_key(blueprint, site)
    account = blueprint.accounts.get(site.cloud, {})
    if site.cloud == "aws":
        alias = f"alias/polycloud/{made('aws', 'role', blueprint.estate)}/{key.name}"
        return block("seal", "awskms", attributes={"region": site.region, "kms_key_id": alias})
    if site.cloud == "gcp":
        there = import_forms.parts(key.existing)
        ring = there["ring_name"] or made("gcp", "cluster", blueprint.estate, key.name)
        where = {"project": account.get("project"), "region": site.region, "key_ring": ring}
        wraps = there["last"] or made("gcp", "cluster", key.name)
        return block("seal", "gcpckms", attributes={**where, "crypto_key": wraps})
    return block(
        "seal",
        "azurekeyvault",
        attributes={
            "tenant_id": account.get("tenant"),
            "vault_name": import_forms.parts(key.existing)["last"]
            or made("azure", "vault", blueprint.estate, key.name, site.region),
            "key_name": made("azure", "group", key.name),
        },
    )


def seal_key(blueprint: Blueprint, site: Where) -> Key:
    return next((one for one in blueprint.keys if one.site.id == site.id), Key("data", site, None, False))


def agent(blueprint: Blueprint, cluster: Cluster, nodes: tuple[Node, ...], once: bool) -> str:
    """Beside a pod: signs in by the pod's own token and lays secrets into memory; ``once``: before the pod starts,
    else it keeps the sign-in alive."""
    config: dict[str, Value] = {"role": ROLE, "path": TOKEN, "remove_jwt_after_reading": False}
    method = block(
        "method",
        attributes={"type": "jwt", "mount_path": f"auth/{mount(blueprint, cluster)}"},
        parts=(block("config", attributes=config),),
    )
    templates = [
        block(
            "template",
            attributes={
                "destination": f"/vault/secrets/{secret}",
                "contents": f'{{{{ with secret "{path}" }}}}{{{{ {_value(field)} }}}}{{{{ end }}}}',
                "error_on_missing_key": True,
                "perms": "0400",
            },
        )
        for secret, path, field in brought(blueprint)
    ]
    kept = block("sink", "file", parts=(block("config", attributes={"path": KEPT_TOKEN}),))
    address: dict[str, Value] = {"address": nearest(nodes, cluster), "ca_cert": f"{AGENT_TLS}/ca.crt"}
    return render(
        [
            Attribute("exit_after_auth", once),
            block("vault", attributes=address, parts=(block("retry", attributes={"num_retries": 5}),)),
            # Without secrets to bring, an agent has to put at least its sign-in somewhere.
            block("auto_auth", parts=(method,) if templates else (method, kept)),
            block("template_config", attributes={"exit_on_retry_failure": False}),
            *templates,
        ]
    )


def brought(blueprint: Blueprint) -> tuple[tuple[str, str, str], ...]:
    """The secrets that agents bring, each with its path and field; not those that clouds' own stores hold."""
    found = []
    for secret in sorted(set(blueprint.secrets) - set(blueprint.in_clouds)):
        path, field = blueprint.in_vault.get(secret, (f"{DATA}/data/{secret}", "value"))
        if SECRET.fullmatch(secret) and PLACE.fullmatch(path) and SECRET.fullmatch(field):
            found.append((secret, path, field))
    return tuple(found)


def _value(field: str) -> str:
    return f".Data.data.{field}" if field.isidentifier() else f'index .Data.data "{field}"'


def nearest(nodes: tuple[Node, ...], cluster: Cluster) -> str:
    """The address of the voter that agents of a cluster ask first; it forwards what it can not answer itself."""
    return f"https://{host(min(nodes, key=lambda node: (_km(node.cluster.site, cluster.site), node.name)))}:{PORT}"


def mount(blueprint: Blueprint, cluster: Cluster) -> str:
    """Where pods of a cluster sign in: named as the cluster was first, for a place that moves signs everybody out."""
    return f"jwt-{_plain(blueprint.known_as(cluster.name))}"
