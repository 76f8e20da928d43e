"""A root with what an estate says of the past: what was renamed, and what is there already."""

from collections.abc import Callable

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.ports import Rendered
from polycloud.deploy.render.imports import take_over
from polycloud.deploy.render.moves import follow
from polycloud.deploy.render.terraform import Root


def kept(build: Callable[[Blueprint], Root], blueprint: Blueprint) -> Rendered:
    """What ``build`` collects, as files, with `moved` and `import` blocks where the estate states a past."""
    root = build(blueprint)
    follow(root, build, blueprint)
    take_over(root, blueprint)
    return root.rendered()
