"""What is inside OpenBao, as a Terraform root: secrets, the key of data keys, who signs in from which cluster.

It is applied once clusters run and OpenBao is opened in them, by the provider for Vault, whose interface OpenBao keeps.
"""

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.conventions import GATEWAY_ACCOUNT, GATEWAY_NAMESPACE
from polycloud.deploy.hcl import Part, Value, block, quoted
from polycloud.deploy.hcl import render as written
from polycloud.deploy.ports import Rendered
from polycloud.deploy.render import promises, spanning
from polycloud.deploy.render.issuers import issuers
from polycloud.deploy.render.kept import kept
from polycloud.deploy.render.promises import Promise
from polycloud.deploy.render.terraform import Root, attribute, ref, variable
from polycloud.deploy.render.vault import (
    AUDIENCE,
    CLOUDS,
    DATA,
    PORT,
    ROLE,
    SPACE,
    VOTERS,
    Node,
    brought,
    host,
    mount,
    sealing,
    voters,
)
from polycloud.deploy.yaml import header

FILE = "vault.tf"
TRANSIT = "transit"
TOKEN_SECONDS = 3600
VERSIONS = 10  # of a secret that are kept
ROTATE_DAYS = 90
SIGNED = (
    "By cluster: the issuer of its tokens, from the outputs of the clouds' roots; a cluster that is not here can not "
    "sign in yet."
)


def render(blueprint: Blueprint) -> Rendered:
    """Where an estate has clusters in two clouds or more; one cloud has a store of secrets of its own."""
    return kept(_root, blueprint) if voters(blueprint) else Rendered({})


def _root(blueprint: Blueprint) -> Root:
    nodes = voters(blueprint)
    root = Root("vault", blueprint)
    root.about(FILE, "OpenBao over clouds: where secrets are, who signs in and how, keys.", "secrets, clusters")
    told = header("What the gateway may do.", blueprint.estate, "secrets, clusters")
    root.text(f"policies/{ROLE}.hcl", told + "\n" + written(_rights(blueprint)))
    _inside(root, blueprint)
    _sign_in(root, blueprint, nodes)
    _tell(root, nodes)
    found = brought(blueprint)
    for secret in sorted(set(blueprint.secrets) - {one[0] for one in found}):
        if secret not in blueprint.in_clouds:
            root.gap(f"secrets.{secret}: its name or path can not stand in a path of OpenBao, so no agent brings it")
    foreign = sorted({path for _, path, _ in found if not path.startswith(f"{DATA}/")})
    if foreign:
        root.gap(f"OpenBao: agents may read {', '.join(foreign)}: have its engine (kv, version 2) there already")
    root.needs(FILE, *dict.fromkeys(f"cluster:{node.cluster.name}" for node in nodes))
    root.needs(FILE, *(f"voter:{node.name}" for node in nodes))
    reached: dict[str, Value] = {
        "address": ref("var.vault_address"),
        "ca_cert_file": ref("var.vault_authority"),
        "tls_server_name": host(nodes[0]),
    }
    spanning.settings(root, [block("provider", "vault", attributes=reached)], "secrets, clusters")
    root.about("variables.tf", "What is said at apply time: where OpenBao is, and who signs tokens.", "clusters")
    _tests(root)
    return root


def _tests(root: Root) -> None:
    told = [
        Promise("vault_raft_autopilot.voters.min_quorum == 3", "Vault must keep three voters"),
        Promise("!vault_transit_secret_backend_key.data.deletion_allowed", "The key of data keys must not be deleted"),
    ]
    promises.add(root, {"vault": ()}, {"vault_outlives_a_cloud": told})


def _rights(blueprint: Blueprint) -> list[Part]:
    paths = sorted({path for _, path, _ in brought(blueprint)})
    return [
        *(block("path", path, attributes={"capabilities": ["read"]}) for path in paths),
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
        {"name": ROLE, "policy": ref(f'file("${{path.module}}/policies/{ROLE}.hcl")')},
        kind="identity",
    )


def _sign_in(root: Root, blueprint: Blueprint, nodes: tuple[Node, ...]) -> None:
    """Each cluster signs its pods' tokens; OpenBao asks that cluster's issuer for the keys to check them by."""
    root.add(
        "variables.tf",
        variable(
            "vault_address",
            f"Where Terraform reaches OpenBao: kubectl -n {SPACE} port-forward svc/{nodes[0].name} {PORT}",
            "string",
            f"https://127.0.0.1:{PORT}",
        ),
        variable("vault_authority", "The file of the authority that signed its certificate.", "string", "ca.crt"),
    )
    known = issuers(root, SIGNED)
    mounts = ", ".join(
        f"{quoted(blueprint.known_as(cluster.name))} = {quoted(mount(blueprint, cluster))}"
        for cluster in blueprint.clusters
    )
    root.add(FILE, block("locals", attributes={"vault_mounts": ref(f"{{ {mounts} }}")}))
    often = ref(f"{{ for name, issuer in {known.text} : name => issuer if contains(keys(local.vault_mounts), name) }}")
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


def _tell(root: Root, nodes: tuple[Node, ...]) -> None:
    clouds = dict.fromkeys(node.cluster.site.cloud for node in nodes)
    if len(clouds) < CLOUDS:
        root.gap(
            f"vault: {' and '.join(clouds)} alone hold its voters: losing the cloud with three of them stops it; a "
            "third cloud would help"
        )
    site = sealing(nodes)
    root.gap(
        f"vault: its voters share one seal, the key at {site.id}: while {site.cloud} is away those that run go on, and "
        "one that starts anew stays sealed"
    )
