"""Models at Google Cloud: the gateway's right to call them, and endpoints for open models on machines of one's own."""

from polycloud.clouds.gcp.render_keys import NUMBER
from polycloud.deploy.blueprint import AiService, Blueprint
from polycloud.deploy.conventions import GATEWAY_ACCOUNT, GATEWAY_NAMESPACE
from polycloud.deploy.hcl import block, joined
from polycloud.deploy.render.terraform import Root, attribute, identifier, ref, variable

FILE = "ai.tf"
OPEN = ("alibaba", "deepseek", "google-open", "meta", "mistralai", "nvidia", "openai", "qwen")
PARTNERS = ("anthropic", "mistral")  # whose terms a person accepts once, in Model Garden
CALLS = ("aiplatform.endpoints.predict", "aiplatform.endpoints.explain")


def add(root: Root, here: Blueprint) -> None:
    if not here.services:
        return
    root.about(FILE, "Models at Google Cloud (Vertex AI): who may call them, and endpoints of one's own.", "models")
    _gateway(root)
    for service in here.services:
        root.provides(f"model:{service.site.id}/{service.name}")
    bought = [service for service in here.services if service.capacity != "on-demand"]
    own = [service for service in bought if service.owner in OPEN]
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
    """The gateway's pods may call models: without keys, by the service account that they run as in any cluster here."""
    section = root.section(FILE, "", "models", "identity")
    role = section.make(
        "google_project_iam_custom_role",
        "gateway",
        {
            "role_id": "polycloudGateway",
            "title": "polycloud gateway",
            "description": "Calls models, and nothing else.",
            "permissions": list(CALLS),
        },
    )
    pods = f".svc.id.goog/subject/ns/{GATEWAY_NAMESPACE}/sa/{GATEWAY_ACCOUNT}"
    pool = "/locations/global/workloadIdentityPools/"
    section.make(
        "google_project_iam_member",
        "gateway",
        {
            "project": ref("var.project"),
            "role": attribute(role, "name"),
            "member": joined("principal://iam.googleapis.com/projects/", NUMBER, pool, ref("var.project"), pods),
        },
    )


def _endpoint(root: Root, service: AiService) -> None:
    root.section(FILE, service.site.id, service.source, "ai").make(
        "google_vertex_ai_endpoint_with_model_garden_deployment",
        identifier(service.name, service.site.region),
        {
            "location": service.site.region,
            "publisher_model_name": f"publishers/{service.owner}/models/{service.upstream}",
        },
        block("model_config", attributes={"accept_eula": ref("var.accept_model_licences")}),
        block("endpoint_config", attributes={"dedicated_endpoint_enabled": True}),
        note=f"{service.units} machines, as Model Garden recommends them",
    )
