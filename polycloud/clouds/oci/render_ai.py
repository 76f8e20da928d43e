"""Models at Oracle Cloud: who may call them, and dedicated clusters with their endpoints for bought capacity."""

import re

from polycloud.clouds.oci.render_keys import statement
from polycloud.clouds.oci.render_place import COMPARTMENT, place, provider
from polycloud.deploy.blueprint import AiService, Blueprint
from polycloud.deploy.conventions import GATEWAY_ACCOUNT, GATEWAY_NAMESPACE
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Expr, Value, block, quoted
from polycloud.deploy.render.terraform import Root, attribute, forgotten, identifier, output, ref, variable

FILE = "ai.tf"
NAMED = re.compile(r"[a-z]+\.[a-z]")  # the maker, and its model
CALLS = "use generative-ai-chat"  # not the family, by which dedicated clusters and endpoints can be changed
DEDICATED = ("endpoint", "dedicated_ai_cluster")
# The unit that hosts a model, docs.oracle.com/iaas/Content/generative-ai/pretrained-models.htm, 2026-11.
SHAPES = (
    (re.compile(r"cohere\.embed"), "EMBED_COHERE"),
    (re.compile(r"cohere\.command-r-plus"), "LARGE_COHERE_V2_2"),
    (re.compile(r"cohere\.command-r"), "SMALL_COHERE_V2"),
    (re.compile(r"meta\.llama-3\.1-405b"), "LARGE_GENERIC_2"),
    (re.compile(r"meta\.llama-3\.2-11b"), "SMALL_GENERIC_V2"),
    (re.compile(r"meta\.llama-3\.[123]-(70|90)b"), "LARGE_GENERIC"),
)


def add(root: Root, here: Blueprint) -> None:
    if not here.services:
        return
    root.about(FILE, "Models at Oracle Cloud (Generative AI): who may call them, and dedicated clusters.", "models")
    _gateway(root, here)
    for service in here.services:
        root.provides(f"model:{service.site.id}/{service.name}")
    bought = [service for service in here.services if service.capacity != "on-demand" and not service.endpoint]
    for service in here.services:
        if service.endpoint:
            label = identifier(service.name, service.site.region)
            root.add(FILE, *(forgotten(f"oci_generative_ai_{kind}.{label}") for kind in DEDICATED))
    for service in bought:
        _dedicated(root, here, service)
    if bought:
        root.add(
            "variables.tf",
            variable("unit_shapes", "The unit that hosts a model, by the model's name.", "map(string)", {}),
            variable(
                "model_ids",
                "OCIDs of models by the model's name; none: the active model that Oracle Cloud calls so.",
                "map(string)",
                {},
            ),
        )
    if any(cluster.site.cloud != "oci" for cluster in root.blueprint.clusters):
        root.gap(
            "oci: gateways on other clouds' clusters call models by the API key of a user (clouds.oci.credentials: "
            f"secret:NAME), whose group a policy of yours allows to {CALLS}: polycloud exchanges no "
            "token of another cloud's cluster at Oracle Cloud"
        )


def shape(service: AiService) -> str:
    """The unit that hosts a model; "" where it is not known."""
    return next((name for pattern, name in SHAPES if pattern.match(service.upstream)), "")


def _gateway(root: Root, here: Blueprint) -> None:
    """The gateway's pods may call models, by what they are: no key is kept anywhere."""
    pod = (
        f"request.principal.type = 'workload', request.principal.namespace = '{GATEWAY_NAMESPACE}', "
        f"request.principal.service_account = '{GATEWAY_ACCOUNT}', request.principal.cluster_id = '"
    )
    statements: list[Value] = [
        statement(
            f"Allow any-user to {CALLS}",
            pod,
            Expr(f"oci_containerengine_cluster.{identifier(cluster.name)}.id"),
            "'",
        )
        for cluster in here.clusters
    ]
    if statements:
        root.section(FILE, "", "models", "identity").make(
            "oci_identity_policy",
            "gateway",
            {
                "compartment_id": COMPARTMENT,
                "name": made("oci", "bucket", f"{here.estate}-gateway"),
                "description": "The gateway calls models.",
                "statements": statements,
            },
        )


def _dedicated(root: Root, here: Blueprint, service: AiService) -> None:
    section = root.section(FILE, service.site.id, service.source, "ai", place(service.site.region))
    label = identifier(service.name, service.site.region)
    found = f"data.oci_generative_ai_models.{label}"
    if not NAMED.match(service.upstream):
        root.gap(
            f"{service.source}: {service.upstream} is no name of a model at Oracle Cloud, such as "
            "meta.llama-3.3-70b-instruct: correct it, or give its OCID in var.model_ids"
        )
    known = shape(service)
    if not known:
        root.gap(f"{service.source}: which unit hosts {service.upstream} is not known: name it in var.unit_shapes")
    section.add(
        block(
            "data",
            "oci_generative_ai_models",
            label,
            attributes={
                "provider": provider(service.site.region),
                "compartment_id": COMPARTMENT,
                "display_name": service.upstream,
                "state": "ACTIVE",
            },
        )
    )
    name = made("oci", "bucket", f"{here.estate}-{service.name}")
    cluster = section.make(
        "oci_generative_ai_dedicated_ai_cluster",
        label,
        {
            "display_name": name,
            "type": "HOSTING",
            "unit_count": service.units,
            "unit_shape": ref(
                f"lookup(var.unit_shapes, {quoted(service.upstream)}, {quoted(known or 'LARGE_GENERIC')})"
            ),
        },
    )
    endpoint = section.make(
        "oci_generative_ai_endpoint",
        label,
        {
            "display_name": name,
            "dedicated_ai_cluster_id": attribute(cluster, "id"),
            "model_id": ref(
                f"try(var.model_ids[{quoted(service.upstream)}], {found}.model_collection[0].items[0].id, "
                '"name the model in var.model_ids: none is called so")'
            ),
        },
        note=f"{service.units} units",
    )
    root.add(
        "outputs.tf",
        output(f"endpoint_{label}", f"The endpoint of {service.name} at {service.site.id}.", attribute(endpoint, "id")),
    )
    root.gap(
        f"{service.source}: put the output endpoint_{label} into capacity.endpoint of its deployment; Terraform lets "
        "go of it then, without deleting it"
    )
