"""The right of OpenBao's voters to the key at Azure that unseals them, for pods here and on other clouds' clusters."""

from polycloud.clouds.azure.render_ai import AUDIENCE
from polycloud.clouds.azure.render_keys import USER
from polycloud.clouds.azure.render_place import place
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Value
from polycloud.deploy.render.issuers import issuers_of
from polycloud.deploy.render.terraform import Root, attribute, identifier, output, ref
from polycloud.deploy.render.vault import ACCOUNT, SPACE, seal_key, sealing, voters

FILE = "vault.tf"


def add(root: Root, here: Blueprint) -> None:
    """Where OpenBao has voters and Azure holds their seal: one identity, which every cluster's voters act as."""
    nodes = voters(root.blueprint)
    if not nodes or sealing(nodes).cloud != "azure":
        return
    site = sealing(nodes)
    key = seal_key(root.blueprint, site)
    root.about(FILE, "Who may use the key that unseals OpenBao.", "secrets, clusters")
    section = root.section(FILE, site.id, "secrets", "identity")
    who = root.section(FILE, site.id, "secrets", "identity", place(site.region)).make(
        "azurerm_user_assigned_identity", "vault_seal", {"name": made("azure", "group", here.estate, "vault-seal")}
    )
    section.make(
        "azurerm_role_assignment",
        "vault_seal",
        {
            "scope": ref(f"azurerm_key_vault_key.{identifier(key.name, site.region)}.resource_versionless_id"),
            "role_definition_name": USER,
            "principal_id": attribute(who, "principal_id"),
            "principal_type": "ServicePrincipal",
            "description": "OpenBao's voters unseal themselves.",
        },
    )
    common: dict[str, Value] = {
        "user_assigned_identity_id": attribute(who, "id"),
        "subject": f"system:serviceaccount:{SPACE}:{ACCOUNT}",
        "audience": [AUDIENCE],
    }
    clusters = sorted({node.cluster.name: node.cluster for node in nodes}.values(), key=lambda c: c.name)
    for cluster in clusters:
        if cluster.site.cloud == "azure":
            issuer = ref(f"azurerm_kubernetes_cluster.{identifier(cluster.name)}.oidc_issuer_url")
            label = identifier("vault", cluster.name)
            given: dict[str, Value] = {"name": f"vault-{cluster.name}"[:120], "issuer": issuer}
            section.make("azurerm_federated_identity_credential", label, {**given, **common})
    often = issuers_of(root, [cluster.name for cluster in clusters if cluster.site.cloud != "azure"])
    abroad: dict[str, Value] = {"for_each": often, "name": ref('"vault-${each.key}"'), "issuer": ref("each.value")}
    section.make("azurerm_federated_identity_credential", "vault_abroad", {**abroad, **common})
    described = "Who OpenBao's voters are here: the annotation polycloud_seal of their clusters in Argo CD."
    root.add("outputs.tf", output("vault_seal", described, attribute(who, "client_id")))
    root.gap("vault: voters of other clouds reach Azure's key from the addresses in var.operator_addresses alone")
    root.provides(f"vault-seal:{site.id}")
