"""OpenBao installed: its chart's values, voters' names and certificates, who reaches them, and an agent's settings.

The chart is OpenBao's own; a voter is a pod of it, under the same name in every cluster of the mesh.
"""

from polycloud.deploy.blueprint import Blueprint, Cluster
from polycloud.deploy.conventions import AUDIENCES, GATEWAY_NAMESPACE, ROLE, WORKLOADS_NAMESPACE
from polycloud.deploy.ports import Reference
from polycloud.deploy.render.kubernetes.manifests import STORAGE_CLASS, Manifest, Target, manifest
from polycloud.deploy.render.kubernetes.overlays import credentials
from polycloud.deploy.render.mesh.joined import certificate
from polycloud.deploy.render.mesh.policies import DNS
from polycloud.deploy.render.vault import (
    ACCOUNT,
    DOMAIN,
    PEER_PORT,
    PORT,
    SPACE,
    TLS,
    Node,
    agent,
    host,
    nearest,
    release,
    sealing,
    server,
    voters,
)
from polycloud.deploy.yaml import dump, header

FOLDER = "vault"
AGENT = "vault-agent"  # the map with an agent's settings, and the Secret with the authority's certificate
SEAL_TOKEN = "/var/run/secrets/seal"  # noqa: S105 - a folder
# What is known once Terraform has run (its output vault_seal), and the variable that the seal reads it from.
TOLD = {"aws": "AWS_ROLE_ARN", "azure": "AZURE_CLIENT_ID"}
NOBODY = {
    "runAsNonRoot": True,
    "runAsUser": 100,
    "runAsGroup": 1000,
    "fsGroup": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}
CLOSED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
ASKED = {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
INJECTOR = 8080
POD = "$(BAO_K8S_POD_NAME)"  # the chart's variable for the pod's name


def files(blueprint: Blueprint, clusters: tuple[Target, ...], values: str) -> dict[str, str]:
    """Nothing where an estate has no voters. ``values`` is the folder of charts' values."""
    nodes = voters(blueprint)
    if not nodes:
        return {}
    found = {}
    parts: dict[str, tuple[str, list[Manifest]]] = {
        f"{FOLDER}/base/certificates.yaml": ("Certificates of voters, and what their callers trust", _trust(nodes)),
        f"{FOLDER}/base/names.yaml": ("Where OpenBao lives, and a name for each voter", _names(nodes)),
        f"{FOLDER}/base/policies.yaml": ("Who may reach OpenBao, and how much of it may be away", _policies()),
        f"{values}/vault.yaml": ("Values of OpenBao's voters", [_voter_values(blueprint, nodes)]),
        f"{values}/vault-agents.yaml": ("Values of what puts OpenBao's agents beside pods", [_injector()]),
    }
    for cluster in clusters:
        if not cluster.ours:
            continue
        parts[f"{FOLDER}/{cluster.name}/agent.yaml"] = (
            f"How an agent beside a pod of {cluster.name} signs in, and which secrets it lays into memory",
            [_agent(blueprint, cluster, nodes)],
        )
        reached = {"injector": {"externalBaoAddr": nearest(nodes, cluster)}}
        parts[f"{values}/{cluster.name}/vault-agents.yaml"] = (f"OpenBao's agents in {cluster.name}", [reached])
    for home in homes(nodes):
        what = f"OpenBao's voters in {home.name}"
        parts[f"{values}/{home.name}/vault.yaml"] = (what, [_own_values(blueprint, home, nodes)])
        opened = credentials(home, SPACE)
        if opened:
            what = f"Where voters of {home.name} ask for credentials"
            parts[f"{FOLDER}/{home.name}/credentials.yaml"] = (what, opened)
    for path, (what, documents) in parts.items():
        found[path] = dump(*documents, head=header(what, blueprint.estate, "secrets, clusters"))
    return found


def homes(nodes: tuple[Node, ...]) -> tuple[Cluster, ...]:
    """The clusters with voters, by name."""
    return tuple(sorted({node.cluster.name: node.cluster for node in nodes}.values(), key=lambda c: c.name))


def told(nodes: tuple[Node, ...], cluster: Cluster) -> str:
    """The variable by which voters of a cluster are told who they are to the seal; "" where they need not be."""
    cloud = sealing(nodes).cloud
    native = cloud == "aws" == cluster.site.cloud
    return "" if native else TOLD.get(cloud, "")


def provides(blueprint: Blueprint) -> tuple[str, ...]:
    return tuple(f"voter:{node.name}" for node in voters(blueprint))


def needs(blueprint: Blueprint, values: str) -> tuple[Reference, ...]:
    """The common authority, and the right of voters to the key that unseals them."""
    nodes = voters(blueprint)
    if not nodes:
        return ()
    return (
        Reference("authority", f"{FOLDER}/base/certificates.yaml"),
        Reference(f"vault-seal:{sealing(nodes).id}", f"{values}/vault.yaml"),
    )


def _names(nodes: tuple[Node, ...]) -> list[Manifest]:
    """A voter's pod is in one cluster; where it is not, the mesh leads its name there. It is found before it is ready,
    for it becomes ready by joining the others."""
    labels = {"istio-injection": "enabled"}
    labels |= {f"pod-security.kubernetes.io/{word}": "restricted" for word in ("enforce", "audit", "warn")}
    ports = [
        {"name": name, "port": port, "targetPort": port, "protocol": "TCP"}
        for name, port in (("https", PORT), ("tls-internal", PEER_PORT))
    ]
    services = [
        manifest(
            "v1",
            "Service",
            node.name,
            SPACE,
            spec={
                "type": "ClusterIP",
                "publishNotReadyAddresses": True,
                "selector": {"statefulset.kubernetes.io/pod-name": node.name},
                "ports": ports,
            },
        )
        for node in nodes
    ]
    return [manifest("v1", "Namespace", SPACE, labels=labels), *services]


def _trust(nodes: tuple[Node, ...]) -> list[Manifest]:
    names = [*(host(node) for node in nodes), "localhost"]
    usages = ["digital signature", "key encipherment", "server auth", "client auth"]
    own = certificate(SPACE, "vault-tls", dnsNames=names, ipAddresses=["127.0.0.1"], usages=usages)
    asking = certificate(GATEWAY_NAMESPACE, AGENT, dnsNames=[f"{AGENT}.{DOMAIN}"], usages=["client auth"])
    return [own, asking]


def _policies() -> list[Manifest]:
    """What the network and the mesh let in: callers ask, voters talk to each other; and at most one voter of a cluster
    is taken away at once."""

    def space(*names: str) -> list[Manifest]:
        return [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}} for name in names]

    def ports(*numbers: int) -> list[Manifest]:
        return [{"port": number, "protocol": "TCP"} for number in numbers]

    outside = {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}
    egress = [
        DNS,
        {"to": space("istio-system"), "ports": ports(15012)},
        {"to": space(SPACE), "ports": ports(PORT, PEER_PORT)},
        # Keys of clouds, the Kubernetes API, and other clusters' gateways.
        {"to": [outside], "ports": ports(443, 6443, 15443)},
    ]
    ingress = [
        {"from": space(SPACE, GATEWAY_NAMESPACE, WORKLOADS_NAMESPACE, "istio-system"), "ports": ports(PORT)},
        {"from": space(SPACE, "istio-system"), "ports": ports(PEER_PORT)},
        {"ports": ports(INJECTOR)},  # from the Kubernetes API, which is in no namespace
    ]
    rules = [
        {
            "from": [{"source": {"namespaces": [SPACE, GATEWAY_NAMESPACE, WORKLOADS_NAMESPACE]}}],
            "to": [{"operation": {"ports": [str(PORT)]}}],
        },
        {"from": [{"source": {"namespaces": [SPACE]}}], "to": [{"operation": {"ports": [str(PEER_PORT)]}}]},
    ]
    budget = {"maxUnavailable": 1, "selector": {"matchLabels": {"component": "server"}}}
    return [
        manifest("policy/v1", "PodDisruptionBudget", "openbao", SPACE, spec=budget),
        manifest(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "openbao",
            SPACE,
            spec={
                "podSelector": {},
                "policyTypes": ["Ingress", "Egress"],
                "ingress": ingress,
                "egress": egress,
            },
        ),
        manifest(
            "security.istio.io/v1", "AuthorizationPolicy", "openbao", SPACE, spec={"action": "ALLOW", "rules": rules}
        ),
    ]


def _agent(blueprint: Blueprint, cluster: Cluster, nodes: tuple[Node, ...]) -> Manifest:
    data = {
        "config-init.hcl": agent(blueprint, cluster, nodes, once=True),
        "config.hcl": agent(blueprint, cluster, nodes, once=False),
    }
    return manifest("v1", "ConfigMap", AGENT, GATEWAY_NAMESPACE, data=data)


def _voter_values(blueprint: Blueprint, nodes: tuple[Node, ...]) -> Manifest:
    """What holds for voters of all clusters."""
    return {
        "global": {"tlsDisable": False},
        "injector": {"enabled": False},
        "server": {
            "authDelegator": {"enabled": False},
            "dataStorage": {"size": "10Gi", "storageClass": STORAGE_CLASS},
            "ha": {
                "enabled": True,
                # The chart's own budget would never let the only voter of a cluster go: see ``_policies``.
                "disruptionBudget": {"enabled": False},
                "apiAddr": f"https://{POD}.{DOMAIN}:{PORT}",
                "clusterAddr": f"https://{POD}.{DOMAIN}:{PEER_PORT}",
                "raft": {"enabled": True, "setNodeId": True, "config": server(blueprint, nodes)},
            },
            "podManagementPolicy": "Parallel",  # one waits for the other to join it
            "resources": ASKED,
            "serviceAccount": {"name": ACCOUNT},
            "statefulSet": {"securityContext": {"pod": NOBODY, "container": CLOSED}},
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "topology.kubernetes.io/zone",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": {"component": "server"}},
                }
            ],
        },
    }


def _own_values(blueprint: Blueprint, cluster: Cluster, nodes: tuple[Node, ...]) -> Manifest:
    """How many there are, where, and how they prove to the seal who they are."""
    site = sealing(nodes)
    volumes: list[Manifest] = [{"name": "tls", "secret": {"secretName": "vault-tls"}}]
    mounts = [{"name": "tls", "mountPath": TLS, "readOnly": True}]
    environment = {}
    if told(nodes, cluster):
        token = {"path": "token", "audience": AUDIENCES[site.cloud], "expirationSeconds": 3600}
        volumes.append({"name": "seal", "projected": {"sources": [{"serviceAccountToken": token}]}})
        mounts.append({"name": "seal", "mountPath": SEAL_TOKEN, "readOnly": True})
        if site.cloud == "aws":
            environment = {"AWS_REGION": site.region, "AWS_WEB_IDENTITY_TOKEN_FILE": f"{SEAL_TOKEN}/token"}
        else:
            environment = {
                "AZURE_FEDERATED_TOKEN_FILE": f"{SEAL_TOKEN}/token",
                "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
                "VAULT_AZUREKEYVAULT_AUTH_METHOD": "workload_identity",
            }
            tenant = blueprint.accounts.get("azure", {}).get("tenant")
            environment |= {"AZURE_TENANT_ID": tenant} if tenant else {}
    own: Manifest = {
        "ha": {"replicas": sum(node.cluster == cluster for node in nodes)},
        "volumes": volumes,
        "volumeMounts": mounts,
    }
    if environment:
        own["extraEnvironmentVars"] = environment
    if any(pool.role == "workload" and not pool.spot for pool in cluster.pools):
        own["nodeSelector"] = {ROLE: "workload"}
    return {"fullnameOverride": release(cluster), "server": own}


def _injector() -> Manifest:
    """Two of it, outside of the mesh, for the Kubernetes API calls it."""
    return {
        "server": {"enabled": False, "authDelegator": {"enabled": False}, "serviceAccount": {"create": False}},
        "injector": {
            "enabled": True,
            "replicas": 2,
            "podDisruptionBudget": {"maxUnavailable": 1},
            "extraLabels": {"sidecar.istio.io/inject": "false"},
            "securityContext": {"pod": NOBODY, "container": CLOSED},
            "webhook": {"failurePolicy": "Ignore", "namespaceSelector": _meshed()},
        },
    }


def _meshed() -> Manifest:
    """Pods are looked at where agents are of use."""
    names = [GATEWAY_NAMESPACE, WORKLOADS_NAMESPACE]
    return {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": names}]}
