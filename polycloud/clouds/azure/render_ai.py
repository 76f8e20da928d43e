"""Models at Azure: an account at each site, a deployment for each model, and the gateway's right to call them.

A deployment's kind says where requests may be worked on: in the region, in a data zone, or anywhere. The estate's scope
decides it, as residency counts it.
"""

import re

from polycloud.clouds.azure.render_keys import granted, identity, key_version, user
from polycloud.clouds.azure.render_network import endpoint, networked
from polycloud.clouds.azure.render_place import TENANT, place
from polycloud.deploy.blueprint import AiService, Blueprint, Where
from polycloud.deploy.conventions import AUDIENCES, GATEWAY_SUBJECT
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Block, Comment, Expr, Value, block, quoted
from polycloud.deploy.render.issuers import issuers
from polycloud.deploy.render.terraform import Root, Section, attribute, forgotten, identifier, output, ref, variable

FILE = "ai.tf"
AUDIENCE = AUDIENCES["azure"]
# Who may call OpenAI's models, and who those of other makers: no built-in role is narrower than the latter,
# learn.microsoft.com/azure/ai-foundry/foundry-models/how-to/configure-entra-id, 2026-11.
CALLS, CALLS_OTHERS = "Cognitive Services OpenAI User", "Cognitive Services User"
TPM = 1000  # tokens per minute of one unit of pay-as-you-go capacity
# Deployment types, learn.microsoft.com/azure/ai-foundry/foundry-models/concepts/deployment-types, 2026-11.
SKUS = {
    ("on-demand", ""): "Standard",
    ("on-demand", "datazone"): "DataZoneStandard",
    ("on-demand", "global"): "GlobalStandard",
    ("bought", ""): "ProvisionedManaged",
    ("bought", "datazone"): "DataZoneProvisionedManaged",
    ("bought", "global"): "GlobalProvisionedManaged",
}
# What Azure calls the makers, learn.microsoft.com/azure/ai-foundry/foundry-models/concepts/models, 2026-11.
FORMATS = {
    "anthropic": "Anthropic",
    "cohere": "Cohere",
    "deepseek": "DeepSeek",
    "meta": "Meta",
    "microsoft": "Microsoft",
    "mistral": "Mistral AI",
    "mistralai": "Mistral AI",
    "openai": "OpenAI",
    "xai": "xAI",
}
# The maker by the model's name, where the estate does not say who made it.
FAMILIES = (
    (re.compile(r"(gpt|o\d|text-embedding|dall-e|whisper|tts|sora)", re.I), "OpenAI"),
    (re.compile(r"claude", re.I), "Anthropic"),
    (re.compile(r"(meta-)?llama", re.I), "Meta"),
    (re.compile(r"(mistral|ministral|codestral|mixtral)", re.I), "Mistral AI"),
    (re.compile(r"(cohere|command|embed-v)", re.I), "Cohere"),
    (re.compile(r"deepseek", re.I), "DeepSeek"),
    (re.compile(r"phi", re.I), "Microsoft"),
    (re.compile(r"grok", re.I), "xAI"),
)
FEDERATED_MAX = 20  # issuers of one identity, learn.microsoft.com/entra/workload-id, 2026-11


def add(root: Root, here: Blueprint) -> None:
    if not here.services:
        return
    root.about(FILE, "Models at Azure: accounts, deployments, and who may call them.", "models")
    for site in sorted({service.site.id: service.site for service in here.services}.values(), key=lambda s: s.id):
        _account(root, here, site)
    after: dict[str, Expr] = {}
    for service, name in named(here):
        if name != deployment_name(service):
            root.gap(
                f"{service.source}: two deployments at {service.site.id} would be called {deployment_name(service)}; "
                f"one is {name} now: give it upstream: {name} in the estate, so that the gateway finds it"
            )
        if service.endpoint:
            root.add(FILE, forgotten(f"azurerm_cognitive_deployment.{identifier(service.site.region, name)}"))
        else:
            after[service.site.id] = _deployment(root, service, name, after.get(service.site.id))
        root.provides(f"model:{service.site.id}/{service.name}")
    _gateway(root, here)
    root.add(
        "variables.tf",
        variable(
            "model_callers",
            "Public addresses from which gateways outside Azure call models; none: only from inside.",
            "list(string)",
            [],
        ),
        variable(
            "model_capacity",
            "Thousands of tokens per minute of each pay-as-you-go deployment for which the estate has no quota.",
            "number",
            100,
        ),
        variable(
            "model_versions",
            "Versions of models by the model's name; none: Azure's default, and its successor.",
            "map(string)",
            {},
        ),
    )


def deployment_name(service: AiService) -> str:
    """What the gateway calls: the estate's own name for it, else the model's."""
    return service.name if service.name != service.model else service.upstream


def named(here: Blueprint) -> list[tuple[AiService, str]]:
    """Each model with the name of its deployment, which is one in its account: bought capacity steps aside."""
    found: list[tuple[AiService, str]] = []
    taken: set[tuple[str, str]] = set()
    for service in sorted(here.services, key=lambda s: (s.site.id, s.capacity != "on-demand", s.name, s.scope)):
        name = deployment_name(service)
        if (service.site.id, name) in taken:
            name = "-".join(part for part in (name, service.capacity, service.scope.replace(":", "-")) if part)
        taken.add((service.site.id, name))
        found.append((service, name))
    return found


def sku(service: AiService) -> str:
    """The kind of a deployment. Raises KeyError for a scope that Azure does not have: policy has refused it."""
    bought = "on-demand" if service.capacity == "on-demand" else "bought"
    return SKUS[bought, service.scope.partition(":")[0]]


def maker_of(service: AiService) -> str:
    """What Azure calls the model's maker; "" where it is not known."""
    return FORMATS.get(service.owner) or next((name for begins, name in FAMILIES if begins.match(service.upstream)), "")


def calls(service: AiService) -> str:
    """The built-in role by which a model is called."""
    return CALLS if maker_of(service) in ("OpenAI", "") else CALLS_OTHERS


def resource_name(here: Blueprint, site: Where) -> str:
    """The account's name, which is the host that the gateway calls."""
    pattern = here.accounts.get("azure", {}).get("resource", "{estate}-{region}")
    return pattern.replace("{region}", site.region).replace("{estate}", here.estate)


def _account(root: Root, here: Blueprint, site: Where) -> None:
    section = root.section(FILE, site.id, "models", "ai", place(site.region))
    name = resource_name(here, site)
    label = identifier(site.region)
    address = section.make(
        "azurerm_cognitive_account",
        label,
        {
            "name": name,
            "kind": "AIServices",
            "sku_name": "S0",
            "custom_subdomain_name": name,
            "local_auth_enabled": False,
            "public_network_access_enabled": ref("length(var.model_callers) > 0"),
            "outbound_network_access_restricted": True,
            "fqdns": [],
            "depends_on": [granted(site.region)],
        },
        Comment("checkov:skip=CKV_AZURE_134:Closed unless var.model_callers names addresses, and open to them alone."),
        Comment("checkov:skip=CKV2_AZURE_22:The key is given below, by the identity that may use it."),
        block("network_acls", attributes={"default_action": "Deny", "ip_rules": ref("var.model_callers")}),
        block("identity", attributes=identity(site.region)),
        block(
            "customer_managed_key",
            attributes={
                "key_vault_key_id": key_version("data", site.region),
                "identity_client_id": attribute(user(site.region), "client_id"),
            },
        ),
    )
    root.section(FILE, site.id, "models", "logs").make(
        "azurerm_monitor_diagnostic_setting",
        f"models_{label}",
        {
            "name": "polycloud",
            "target_resource_id": attribute(address, "id"),
            "log_analytics_workspace_id": ref(f"azurerm_log_analytics_workspace.{label}.id"),
        },
        *(block("enabled_log", attributes={"category": kind}) for kind in ("Audit", "RequestResponse")),
    )
    if networked(here, site.id):
        endpoint(section, "models", f"models_{label}", site.region, attribute(address, "id"))
    root.add("outputs.tf", _output(site))


def _output(site: Where) -> Block:
    label = identifier(site.region)
    return output(
        f"models_{label}",
        f"Where models at {site.id} are called.",
        ref(f"azurerm_cognitive_account.{label}.endpoint"),
    )


def _deployment(root: Root, service: AiService, name: str, after: Expr | None) -> Expr:
    """An account makes its deployments one after the other, so each waits for the one before."""
    section: Section = root.section(FILE, service.site.id, service.source, "ai")
    capacity: Expr | int = service.units
    if service.capacity == "on-demand":
        capacity = max(1, service.quota // TPM) if service.quota is not None else ref("var.model_capacity")
    model = Expr(f"lookup(var.model_versions, {quoted(service.upstream)}, null)")
    maker = maker_of(service)
    if not maker:
        root.gap(f"{service.source}: how Azure calls the maker {service.owner!r} is not known: correct ai.tf by hand")
    if maker == "Anthropic":  # github.com/Azure/azure-rest-api-specs/issues/43610, 2026-11
        root.gap(
            f"{service.source}: Azure deploys Claude only for those who say who they are (modelProviderData: "
            f"organizationName, countryCode, industry), which azurerm has no argument for: make the deployment {name} "
            f"at {service.site.id} by hand, in the Foundry portal or by the REST API, once its account is there; then "
            f"terraform import azurerm_cognitive_deployment.{identifier(service.site.region, name)} "
            f"ACCOUNT_ID/deployments/{name}, and apply the rest"
        )
    return section.make(
        "azurerm_cognitive_deployment",
        identifier(service.site.region, name),
        {
            "name": name,
            "cognitive_account_id": ref(f"azurerm_cognitive_account.{identifier(service.site.region)}.id"),
            "version_upgrade_option": "OnceNewDefaultVersionAvailable",
            "depends_on": [after] if after is not None else None,
        },
        block(
            "model",
            attributes={
                "format": maker or service.owner,
                "name": service.upstream,
                "version": service.version or model,
            },
        ),
        block("sku", attributes={"name": sku(service), "capacity": capacity}),
        note=f"{sku(service)}: {_where(service)}",
    )


def _where(service: AiService) -> str:
    scope, _, zone = service.scope.partition(":")
    return {"": f"worked on at {service.site.id}", "datazone": f"worked on in the data zone {zone}"}.get(
        scope, "worked on anywhere"
    )


def _gateway(root: Root, here: Blueprint) -> None:
    """The identity that the gateway's pods act as, on clusters here and of other clouds: it may call, and no more."""
    home = here.keys[0].site.region
    section = root.section(FILE, "", "models", "identity")
    who = root.section(FILE, "", "models", "identity", place(home)).make(
        "azurerm_user_assigned_identity", "gateway", {"name": made("azure", "group", here.estate, "gateway")}
    )
    common: dict[str, Value] = {
        "user_assigned_identity_id": attribute(who, "id"),
        "subject": GATEWAY_SUBJECT,
        "audience": [AUDIENCE],
    }
    for cluster in here.clusters:
        section.make(
            "azurerm_federated_identity_credential",
            f"gateway_{identifier(cluster.name)}",
            {
                "name": cluster.name,
                "issuer": ref(f"azurerm_kubernetes_cluster.{identifier(cluster.name)}.oidc_issuer_url"),
                **common,
            },
        )
    section.make(
        "azurerm_federated_identity_credential",
        "gateway_abroad",
        {"for_each": issuers(root), "name": ref("each.key"), "issuer": ref("each.value"), **common},
    )
    if len(root.blueprint.clusters) > FEDERATED_MAX:
        root.gap(f"An identity at Azure trusts {FEDERATED_MAX} clusters at most: give the gateway a second one")
    for region, role in sorted({(service.site.region, calls(service)) for service in here.services}):
        others = role == CALLS_OTHERS
        section.make(
            "azurerm_role_assignment",
            f"gateway_{identifier(region)}{'_others' if others else ''}",
            {
                "scope": ref(f"azurerm_cognitive_account.{identifier(region)}.id"),
                "role_definition_name": role,
                "principal_id": attribute(who, "principal_id"),
                "principal_type": "ServicePrincipal",
                "description": f"The gateway calls models{', some of them not by OpenAI' if others else ''}.",
            },
        )
    root.add(
        "outputs.tf",
        output("gateway_identity", "The client id that the gateway's pods act as.", attribute(who, "client_id")),
        output("gateway_tenant", "The tenant of the gateway's identity.", TENANT),
    )
