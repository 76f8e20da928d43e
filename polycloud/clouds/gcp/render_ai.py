"""Models at Google Cloud: the gateway's right to call them, and endpoints for open models on machines of one's own."""

from polycloud.clouds.gcp import render_gateway
from polycloud.deploy.blueprint import AiService, Blueprint
from polycloud.deploy.hcl import Block, Comment, Value, block, quoted
from polycloud.deploy.render.terraform import Root, attribute, forgotten, identifier, ref, variable

FILE = "ai.tf"
DEPLOYED = "google_vertex_ai_endpoint_with_model_garden_deployment"
OPEN = ("alibaba", "deepseek", "google-open", "meta", "mistralai", "nvidia", "openai", "qwen")
PARTNERS = ("anthropic", "mistral")  # whose terms a person accepts once, in Model Garden
# What is said of a model that is deployed on machines of one's own.
GARDEN = {
    "name": "optional(string)",
    "machine": "optional(string)",
    "accelerator": "optional(string)",
    "accelerators": "optional(number)",
}
CALLS = "aiplatform.endpoints.predict"


def add(root: Root, here: Blueprint) -> None:
    if not here.services:
        return
    root.about(FILE, "Models at Google Cloud (Vertex AI): who may call them, and endpoints of one's own.", "models")
    _gateway(root)
    for service in here.services:
        root.provides(f"model:{service.site.id}/{service.name}")
    bought = [service for service in here.services if service.capacity != "on-demand" and not service.endpoint]
    own = [service for service in bought if service.owner in OPEN]
    for service in here.services:
        if service.endpoint and service.owner in OPEN:
            root.add(FILE, forgotten(f"{DEPLOYED}.{identifier(service.name, service.site.region)}"))
    for service in own:
        _endpoint(root, service)
    if own:
        root.add(
            "variables.tf",
            variable(
                "accept_model_licences",
                "Whether the licences of the open models that are deployed are accepted.",
                "bool",
                False,
            ),
            variable(
                "model_garden",
                "By model of the estate: its name in Model Garden, publishers/PUBLISHER/models/MODEL@VERSION, as "
                "gcloud ai model-garden models list says; and its machines, none: one, as Google recommends.",
                f"map(object({{ {', '.join(f'{name} = {kind}' for name, kind in GARDEN.items())} }}))",
                {},
            ),
        )
    for service in bought:
        if service not in own:
            root.gap(
                f"{service.name} at {service.site.id}: Terraform has no resource for provisioned throughput: order "
                f"{service.units} units of {service.upstream} in the console (Vertex AI, Provisioned Throughput)"
            )
    asked = sorted({service.upstream for service in here.services if service.owner in PARTNERS})
    if asked:
        root.gap(f"Vertex AI: a person enables {', '.join(asked)} once in Model Garden, where its maker's terms are")
    if any(service.quota for service in here.services):
        root.gap("Vertex AI: quotas of tokens are raised by a request to Google, see Quotas in the console")


def _gateway(root: Root) -> None:
    """The gateway's pods may call models: without keys, by the service account that they run as in any cluster."""
    section = root.section(FILE, "", "models", "identity")
    role = section.make(
        "google_project_iam_custom_role",
        "gateway",
        {
            "role_id": "polycloudGateway",
            "title": "polycloud gateway",
            "description": "Calls models, and nothing else.",
            "permissions": [CALLS],
        },
    )
    for label, member in render_gateway.who(root).items():
        section.make(
            "google_project_iam_member",
            label,
            {"project": ref("var.project"), "role": attribute(role, "name"), "member": member},
            Comment("On the project: a publisher's model is nobody's resource, so none can be named."),
        )


def garden_name(service: AiService) -> str:
    """A model as Model Garden calls it, which names its version; "" where the estate's word is another, such as that
    of the service that answers by the token."""
    if "@" not in service.upstream:
        return ""
    if service.upstream.startswith("publishers/"):
        return service.upstream
    return f"publishers/{service.owner}/models/{service.upstream}"


def _endpoint(root: Root, service: AiService) -> None:
    said = f"var.model_garden[{quoted(service.upstream)}]"
    known = garden_name(service)
    if not known:
        root.gap(
            f"{service.source}: Model Garden has names of its own for models on one's own machines: its name for "
            f"{service.upstream} goes into var.model_garden, and its endpoint is made then"
        )
    root.gap(
        f"{service.source}: {service.units} machines at {service.site.id} are made once var.model_garden names their "
        "kind; until then Vertex AI takes one, as it recommends"
    )
    named: Value = known or ref(f"{said}.name")
    root.section(FILE, service.site.id, service.source, "ai").make(
        DEPLOYED,
        identifier(service.name, service.site.region),
        {
            **({} if known else {"count": ref(f"try({said}.name, null) == null ? 0 : 1")}),
            "location": service.site.region,
            "publisher_model_name": named,
        },
        block("model_config", attributes={"accept_eula": ref("var.accept_model_licences")}),
        block("endpoint_config", attributes={"dedicated_endpoint_enabled": True}),
        _machines(service, said),
        note=f"{service.units} machines",
    )


def _machines(service: AiService, said: str) -> Block:
    """As many machines as were bought, once their kind is said."""
    machine: dict[str, Value] = {
        "machine_type": ref("deploy_config.value.machine"),
        "accelerator_type": ref("deploy_config.value.accelerator"),
        "accelerator_count": ref("deploy_config.value.accelerators"),
    }
    count: dict[str, Value] = {"min_replica_count": service.units, "max_replica_count": service.units}
    resources = block("dedicated_resources", attributes=count, parts=(block("machine_spec", attributes=machine),))
    return block(
        "dynamic",
        "deploy_config",
        attributes={"for_each": ref(f"[for one in try([{said}], []) : one if one.machine != null]")},
        parts=(block("content", parts=(resources,)),),
    )
