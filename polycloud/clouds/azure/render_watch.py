"""What watches at Azure: the exporter reads figures by an identity of its pods, collectors write to each site's
Application Insights, which keeps what it gets in the site's own workspace."""

from polycloud.clouds.azure.render_ai import AUDIENCE
from polycloud.clouds.azure.render_place import place
from polycloud.deploy.blueprint import Blueprint, Where
from polycloud.deploy.derive.names import made
from polycloud.deploy.render.monitoring.metrics import NAMESPACE, exporters
from polycloud.deploy.render.terraform import Root, attribute, identifier, output, ref

FILE = "watch.tf"
ABOUT = "Who watches at Azure."


def add(root: Root, here: Blueprint) -> None:
    """Where something at Azure tells how far its copies are behind, and where there are clusters."""
    for site in sorted({cluster.site.id: cluster.site for cluster in here.clusters}.values(), key=lambda s: s.id):
        _insights(root, here, site)
    for exporter in exporters(root.blueprint, "azure"):
        home = here.keys[0].site
        root.about(FILE, ABOUT, "clusters, databases")
        section = root.section(FILE, "", "databases", "identity")
        who = root.section(FILE, home.id, "databases", "identity", place(home.region)).make(
            "azurerm_user_assigned_identity", "exporter", {"name": made("azure", "group", here.estate, exporter)}
        )
        for key in here.keys:  # all that we make at a site is in its own group
            region = key.site.region
            section.make(
                "azurerm_role_assignment",
                identifier("exporter", region),
                {
                    "scope": ref(f"azurerm_resource_group.{identifier(region)}.id"),
                    "role_definition_name": "Monitoring Reader",
                    "principal_id": attribute(who, "principal_id"),
                    "principal_type": "ServicePrincipal",
                    "description": "Reads figures for Prometheus.",
                },
            )
        for cluster in here.clusters:
            section.make(
                "azurerm_federated_identity_credential",
                identifier("exporter", cluster.name),
                {
                    "name": f"{cluster.name}-{exporter}"[:120],
                    "user_assigned_identity_id": attribute(who, "id"),
                    "issuer": ref(f"azurerm_kubernetes_cluster.{identifier(cluster.name)}.oidc_issuer_url"),
                    "subject": f"system:serviceaccount:{NAMESPACE}:{exporter}",
                    "audience": [AUDIENCE],
                },
            )
        described = f"The client id of {exporter}, which its service account is annotated with."
        root.add("outputs.tf", output("exporter", described, attribute(who, "client_id")))
        root.provides(f"exporter:{exporter}")


def _insights(root: Root, here: Blueprint, site: Where) -> None:
    root.about(FILE, ABOUT, "clusters, databases")
    label = identifier(site.region)
    found = root.section(FILE, site.id, "clouds.azure.sites", "logs", place(site.region)).make(
        "azurerm_application_insights",
        label,
        {
            "name": made("azure", "group", here.estate, "telemetry", site.region),
            "application_type": "other",
            "workspace_id": ref(f"azurerm_log_analytics_workspace.{label}.id"),
        },
    )
    said = attribute(found, "connection_string")
    described = f"APPLICATIONINSIGHTS_CONNECTION_STRING of the collector at {site.id}."
    root.add("outputs.tf", output(f"collector_{label}", described, said, sensitive=True))
