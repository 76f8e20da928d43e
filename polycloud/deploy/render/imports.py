"""Existing things are taken over: `import` blocks, and the names by which their cloud knows them.

Whatever is taken over is protected from being destroyed: where a file differs from it in something that can not be
changed, Terraform's plan stops and says so, instead of replacing it.
"""

import msgspec

from polycloud.deploy.blueprint import Blueprint, Existing
from polycloud.deploy.hcl import Attribute, Block, Comment, Expr, Part, Value, block
from polycloud.deploy.ports import Resource
from polycloud.deploy.render.import_forms import FORMS, PROTECTED, Form, parts
from polycloud.deploy.render.terraform import KEEP, Root

FILE = "imports.tf"
POOLS = ".pools."
GROUP, REGION = "resource_group_name", "region"


def take_over(root: Root, blueprint: Blueprint) -> None:
    """Adds what Terraform needs to find existing things at the addresses of the root."""
    here = [one for one in blueprint.existing if one.site.partition("/")[0] == root.cloud]
    stated = list({(one.source, one.id): one for one in reversed(here)}.values())[::-1]  # a network may span sites
    taken: set[str] = set()
    for one in stated:
        found = [
            resource for resource in _of(root, one) if resource.address not in taken and _form(root, resource, one)
        ]
        if not any(FORMS[kind_of(resource)].sure for resource in found):
            root.gap(f"{_where(one)}: nothing that is written can be {one.id}: it is not imported")
        for resource in found:
            _take(root, resource.address.partition("/")[2], FORMS[kind_of(resource)], one)
            taken.add(resource.address)
    for one in stated:
        rest = sorted({kind_of(r) for r in _of(root, one) if r.address not in taken and r.site})
        if rest and taken:
            root.gap(f"{_where(one)}: beside {one.id}, which is taken over, these are made anew: {', '.join(rest)}")
    if taken:
        sources = ", ".join(sorted({_where(one) for one in stated}))
        root.about(FILE, "What is there already and is taken over: a plan shows what would change of it.", sources)


def kind_of(resource: Resource) -> str:
    """``aws/aws_s3_bucket.raw`` is of the kind ``aws_s3_bucket``."""
    return resource.address.partition("/")[2].partition(".")[0]


def _of(root: Root, one: Existing) -> list[Resource]:
    """The resources that come from the part of the estate that states an id."""
    return [r for r in root.resources() if r.source == one.source and r.site in (one.site, "")]


def _form(root: Root, resource: Resource, one: Existing) -> Form | None:
    """How a resource is imported by what is stated; None for another kind, and for what there are several of."""
    form = FORMS.get(kind_of(resource))
    several = {"count", "for_each"} & attributes_of(root.declared()[resource.address.partition("/")[2]]).keys()
    return form if form is not None and form.what == one.what and not several else None


def _take(root: Root, address: str, form: Form, one: Existing) -> None:
    now = root.declared()[address]
    said = {**parts(one.id), "cluster": _cluster(root, one)}
    given = attributes_of(now)
    names: dict[str, Value] = {name: how.format_map(said) for name, how in form.names.items() if name in given}
    literals = {name: value for name, value in (given | names).items() if isinstance(value, str)}
    id = form.id.format_map({**literals, **said})
    if root.cloud == "aws" and REGION in literals:
        id += f"@{literals[REGION]}"
    root.change({address: _named(now, names, protect=now.labels[0] in PROTECTED)})
    if GROUP in names:
        _follow_group(root, address)
    taken = block("import", attributes={"to": Expr(address), "id": id})
    root.add(FILE, taken if form.sure else Comment(f"Where it is there already: terraform import {address} '{id}'"))


def _cluster(root: Root, one: Existing) -> str:
    """What the cluster of a pool is called in its cloud."""
    for resource in root.resources():
        if resource.source == one.source.rpartition(POOLS)[0] and resource.kind == "cluster":
            name = attributes_of(root.declared()[resource.address.partition("/")[2]]).get("name")
            if isinstance(name, str):
                return name
    return ""


def _named(now: Block, names: dict[str, Value], protect: bool) -> Block:
    """A resource that says what the existing one is called, and is not destroyed."""

    def part(one: Part) -> Part:
        return Attribute(one.name, names[one.name]) if isinstance(one, Attribute) and one.name in names else one

    body = [part(one) for one in now.body]
    lives = [at for at, one in enumerate(body) if isinstance(one, Block) and one.kind == KEEP.kind]
    if protect and lives:
        life = body[lives[0]]
        assert isinstance(life, Block)
        rest = tuple(one for one in life.body if one not in KEEP.body)
        body[lives[0]] = msgspec.structs.replace(life, body=(*KEEP.body, *rest))
    elif protect:
        body.append(KEEP)
    return msgspec.structs.replace(now, body=tuple(body))


def _follow_group(root: Root, address: str) -> None:
    """What names a resource together with its group, such as a subnet its network, finds it where it is."""
    changed = {}
    for other, now in root.declared().items():
        given = attributes_of(now)
        if GROUP in given and Expr(f"{address}.name") in given.values():
            changed[other] = _named(now, {GROUP: Expr(f"{address}.{GROUP}")}, protect=False)
    root.change(changed)


def attributes_of(now: Block) -> dict[str, Value]:
    """The attributes of a resource that stand in its own body."""
    return {part.name: part.value for part in now.body if isinstance(part, Attribute)}


def _where(one: Existing) -> str:
    """The part of the estate that states it."""
    cloud, _, region = one.site.partition("/")
    if one.what == "network":
        return f"clouds.{cloud}.networks.{region}"
    if one.what == "ai":
        return f"clouds.{cloud}.existing.{region}"
    return one.source
