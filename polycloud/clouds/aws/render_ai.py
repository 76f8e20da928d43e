"""Models at AWS: access, profiles that cost is booked on, bought throughput, logs, and the gateway's own right."""

import re

from polycloud.clouds.aws import render_gateway
from polycloud.clouds.aws.render_clusters import cluster_name
from polycloud.clouds.aws.render_iam import OWN_ACCOUNT, allow, arn, grant, policy, role, trust
from polycloud.clouds.aws.render_models import called, calls, model_arn, own, own_names, plain, scope_of
from polycloud.clouds.aws.render_network import log_group
from polycloud.deploy.blueprint import AiService, Blueprint, Where
from polycloud.deploy.conventions import GATEWAY_ACCOUNT, GATEWAY_NAMESPACE
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Value, block
from polycloud.deploy.render.terraform import Root, Section, attribute, forgotten, identifier, output, ref, variable

FILE = "ai.tf"
LOGGED = "polycloud/{estate}/models"
WITH_FORM = "anthropic"  # the one maker that wants to know the use case before its models answer
NAMED = re.compile(r"arn:|[a-z0-9]+\.[a-z]")  # an ARN, or the maker and its model
KINDS = ("embedding", "image", "text", "video")


def add(root: Root, here: Blueprint) -> None:
    if not here.services:
        return
    root.about(FILE, "Models at AWS (Bedrock): access, profiles, throughput, logs.", "models")
    for service, parts in own_names(here.services).items():
        section = root.section(FILE, service.site.id, service.source, "ai", {"region": service.site.region})
        _profile(section, here, service, parts)
        if not NAMED.match(plain(service)):
            root.gap(
                f"{service.source}: Bedrock has no model called {plain(service)}: its names begin with the maker's, as "
                "in meta.llama3-3-70b-instruct-v1:0; correct it, or the apply fails"
            )
        root.provides(f"model:{service.site.id}/{service.name}")
    _access(root, here)
    _log_role(root, here)
    for site in sorted({service.site.id: service.site for service in here.services}.values(), key=lambda s: s.id):
        _logs(root, here, site)
    _gateway(root, here)


def _profile(section: Section, here: Blueprint, service: AiService, parts: tuple[str, ...]) -> None:
    name = made("aws", "profile", here.estate, *parts)
    if service.endpoint:
        section.add(forgotten(f"aws_bedrock_provisioned_model_throughput.{identifier(*parts)}"))
        return
    if service.capacity != "on-demand":
        section.make(
            "aws_bedrock_provisioned_model_throughput",
            identifier(*parts),
            {
                "provisioned_model_name": name,
                "model_arn": model_arn(service, service.site.region),
                "model_units": service.units,
            },
            note=f"{service.units} model units without commitment, by the hour",
        )
        return
    section.make(
        "aws_bedrock_inference_profile",
        identifier(*parts),
        {"name": name, "description": f"{service.model} of {here.estate}.", "tags": {"model": service.model}},
        block("model_source", attributes={"copy_from": called(service)}),
        note=f"routes within {scope_of(service)}" if scope_of(service) else "stays in its region",
    )


def _access(root: Root, here: Blueprint) -> None:
    makers = sorted({service.owner for service in here.services if service.owner})
    if any(WITH_FORM in (service.owner, plain(service).partition(".")[0]) for service in here.services):
        root.add(
            "variables.tf",
            variable(
                "bedrock_use_case",
                "The form that Anthropic asks for once per account (company, website, use case), as JSON; "
                "empty: it was sent before.",
                "string",
                "",
            ),
        )
        root.section(FILE, "", "models", "ai").make(
            "aws_bedrock_use_case_for_model_access",
            "this",
            {
                "count": ref('var.bedrock_use_case == "" ? 0 : 1'),
                "form_data": ref("base64encode(var.bedrock_use_case)"),
            },
        )
    root.gap(
        f"Bedrock: models of makers that sell through AWS Marketplace are agreed to once by a person "
        f"(here: {', '.join(makers) or 'see ai.tf'}); all others answer without"
    )
    if any(service.quota for service in here.services):
        root.gap("Bedrock: quotas of tokens are raised by a request to AWS, see Service Quotas")


def _log_role(root: Root, here: Blueprint) -> None:
    section = root.section(FILE, "", "models", "identity")
    writer = role(
        section,
        "bedrock_logs",
        "bedrock-logs",
        trust("bedrock.amazonaws.com", Condition=OWN_ACCOUNT),
        here.estate,
        "Bedrock's own log of calls.",
    )
    streams = arn(
        "logs", "*", f"log-group:/{LOGGED.format(estate=here.estate)}:log-stream:aws/bedrock/modelinvocations"
    )
    grant(section, "bedrock_logs", writer, policy(allow(["logs:CreateLogStream", "logs:PutLogEvents"], streams)))
    root.add(
        "variables.tf",
        variable(
            "bedrock_log_texts",
            "Whether Bedrock's own log keeps prompts and answers; off: who called what, and when.",
            "bool",
            False,
        ),
    )


def _logs(root: Root, here: Blueprint, site: Where) -> None:
    """Calls are told in the region where they came in: no log leaves it."""
    classes = " ".join(sorted(name for name, sites in here.regions_allowed.items() if site.id in sites))
    section = root.section(FILE, site.id, "models", "logs", {"region": site.region})
    label = f"models_{identifier(site.region)}"
    group = log_group(section, label, f"/{LOGGED.format(estate=here.estate)}", site.region, classes)
    texts: Value = ref("var.bedrock_log_texts")
    section.make(
        "aws_bedrock_model_invocation_logging_configuration",
        identifier(site.region),
        {"depends_on": [ref("aws_iam_role_policy.bedrock_logs")]},
        block(
            "logging_config",
            attributes={f"{kind}_data_delivery_enabled": texts for kind in KINDS},
            parts=(
                block(
                    "cloudwatch_config",
                    attributes={
                        "log_group_name": attribute(group, "name"),
                        "role_arn": ref("aws_iam_role.bedrock_logs.arn"),
                    },
                ),
            ),
        ),
        data_class=classes,
    )


def _gateway(root: Root, here: Blueprint) -> None:
    """The gateway's pods may call exactly the models of the estate: without keys, by their service account."""
    section = root.section(FILE, "", "models", "identity")
    gateway = role(
        section,
        "gateway",
        "gateway",
        render_gateway.trusts(root),
        here.estate,
        "The gateway: calls models.",
    )
    grant(section, "gateway", gateway, policy(*calls(here.services, here.services)))
    if root.blueprint.abroad("aws"):
        described = "Who gateways on other clouds' clusters are here: AWS_ROLE_ARN of their pods."
        root.add("outputs.tf", output("gateway_role", described, attribute(gateway, "arn")))
    for cluster in here.clusters:
        root.section(FILE, cluster.site.id, "models", "identity", {"region": cluster.site.region}).make(
            "aws_eks_pod_identity_association",
            f"gateway_{identifier(cluster.name)}",
            {
                "cluster_name": cluster_name(cluster),
                "namespace": GATEWAY_NAMESPACE,
                "service_account": GATEWAY_ACCOUNT,
                "role_arn": attribute(gateway, "arn"),
            },
        )
    names = own_names(here.services)
    booked: dict[str, Value] = {f"{s.site.id}/{s.upstream}": own(s, parts) for s, parts in names.items()}
    root.add("outputs.tf", output("models", "What to call, by site and model, to have its cost booked apart.", booked))
