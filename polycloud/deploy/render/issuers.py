"""Which clusters' tokens a root takes: a person gives their issuers, and a cluster's renaming changes nothing of it."""

from collections.abc import Iterable

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.hcl import Expr, block, quoted
from polycloud.deploy.render.terraform import Root, variable

GIVEN = "cluster_issuers"
ABROAD = "By cluster of another cloud: the issuer of its tokens, an output of that cloud's root."


def issuers(root: Root, described: str = ABROAD) -> Expr:
    """The issuers by the names under which clusters are known: given under a former name or the new one, they are the
    same, or what stands for each would be made anew."""
    known = former_names(root.blueprint)
    if not root.has(f"var.{GIVEN}"):
        root.add("variables.tf", variable(GIVEN, described, "map(string)", {}))
        if known:
            names = ", ".join(f"{quoted(name)} = {quoted(first)}" for name, first in known.items())
            by_first = f"{{ for name, issuer in var.{GIVEN} : lookup({{ {names} }}, name, name) => issuer... }}"
            every = Expr(f"{{ for name, given in {by_first} : name => given[0] }}")  # both names may be given
            root.add("variables.tf", block("locals", attributes={GIVEN: every}))
    return Expr(f"{'local' if known else 'var'}.{GIVEN}")


def issuers_of(root: Root, clusters: Iterable[str]) -> Expr:
    """Those of these clusters alone."""
    names = ", ".join(quoted(root.blueprint.known_as(name)) for name in clusters)
    return Expr(f"{{ for name, issuer in {issuers(root).text} : name => issuer if contains([{names}], name) }}")


def former_names(blueprint: Blueprint) -> dict[str, str]:
    """By every other name that a cluster has or had, the one under which it is known."""
    now = {cluster.name for cluster in blueprint.clusters}
    found: dict[str, str] = {}
    for cluster in blueprint.clusters:
        known = blueprint.known_as(cluster.name)
        others = (cluster.name, *(name for name in cluster.was if name not in now))
        found |= {name: known for name in others if name != known}
    return dict(sorted(found.items()))
