"""Mesh and edge of a cluster: Istio, network policies, and an Envoy that steers likewise on one machine."""

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.ports import Reference, Rendered
from polycloud.deploy.render.mesh import envoy, istio, joined, policies
from polycloud.deploy.steering import regions

FOLDER = "mesh"


def render(blueprint: Blueprint) -> Rendered:
    """All of it; nothing where there is no cluster."""
    if not blueprint.clusters:
        return Rendered({})
    files = {
        f"{FOLDER}/istio/base/security.yaml": istio.security(blueprint),
        f"{FOLDER}/istio/base/network-policies.yaml": policies.policies(blueprint),
        f"{FOLDER}/envoy/envoy.yaml": envoy.envoy(blueprint),
        **joined.files(blueprint, f"{FOLDER}/istio/base"),
    }
    found = regions(blueprint)
    fallbacks = istio.failovers(blueprint, found)
    needs = []
    for cluster in blueprint.clusters:
        files[f"{FOLDER}/istio/{cluster.name}/values.yaml"] = istio.values(cluster, blueprint)
        path = f"{FOLDER}/istio/{cluster.name}/routing.yaml"
        files[path] = istio.routing(cluster, blueprint, found, fallbacks)
        needs += [Reference(f"cluster:{cluster.name}", path)]
        needs += [Reference(f"region:{region.name}", path) for region in found]
    names = [f"name:{cluster.name}" for cluster in blueprint.clusters if len(blueprint.clusters) > 1]
    return Rendered(files, provides=("authority", *names), needs=tuple(needs))
