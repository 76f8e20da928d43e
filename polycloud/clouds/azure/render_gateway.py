"""What the gateway may do at Azure beside calling models: on the very containers, secrets and keys."""

import re

from polycloud.clouds.azure.render_keys import USER
from polycloud.deploy.duties import Duties
from polycloud.deploy.hcl import Expr, quoted
from polycloud.deploy.render.terraform import Root, Section, identifier, ref, variable

READS, WRITES = "Storage Blob Data Reader", "Storage Blob Data Contributor"
SECRETS = "Key Vault Secrets User"
# learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates, 2026-11.
NAMED = re.compile(r"https://([A-Za-z0-9-]+)\.[a-z.]+/(secrets|keys)/([A-Za-z0-9-]+)(/[0-9a-f]+)?")


def add(root: Root, section: Section, given: Duties, who: Expr) -> None:
    """Rights of the gateway's identity. A vault's own id is asked for, since its address does not tell it."""
    for role, all_carried in ((READS, given.reads), (WRITES, given.writes)):
        for one in all_carried:
            for layer in one.bucket.layers:
                if one.folders and not any(folder.startswith(f"{layer}/") for folder in one.folders):
                    continue
                container = identifier(one.bucket.name, layer)
                label = f"gateway_{_word(role)}_{container}"
                _assign(section, label, ref(f"azurerm_storage_container.{container}.id"), role, who)
    asked = False
    for held in (*given.secrets, *given.keys):
        found = NAMED.fullmatch(held.id)
        if found is None:
            root.gap(f"{held.source}: {held.id} is no identifier of a vault at Azure: the gateway gets no right to it")
            continue
        vault, kind, name = quoted(found[1]), found[2], found[3]
        role = SECRETS if held.what == "secret" else USER
        label = f"gateway_{_word(role)}_{identifier(held.source.partition('.')[2])}"
        scope = Expr(f'"${{var.gateway_vaults[{vault}]}}/{kind}/{name}"')
        _assign(section, label, scope, role, who, ref(f"contains(keys(var.gateway_vaults), {vault}) ? 1 : 0"))
        asked = True
    if asked:
        described = "By name of a key vault that the estate names: its resource id; none: the gateway may not look."
        root.add("variables.tf", variable("gateway_vaults", described, "map(string)", {}))
        root.gap("azure: the gateway may read secrets and use keys once var.gateway_vaults has their vaults' ids")


def _word(role: str) -> str:
    return role.replace(" ", "_").lower()


def _assign(section: Section, label: str, scope: Expr, role: str, who: Expr, count: Expr | None = None) -> None:
    section.make(
        "azurerm_role_assignment",
        label,
        {
            **({} if count is None else {"count": count}),
            "scope": scope,
            "role_definition_name": role,
            "principal_id": who,
            "principal_type": "ServicePrincipal",
            "description": "The gateway's own duties.",
        },
    )
