"""Renamed things stay what they are: `moved` blocks from their former addresses, and the names that they have.

A root is built again from the blueprint under the former names. What is at one address there and at another here is
the same thing, and every text in which the two differ differs by the renaming alone: clouds can not rename most
things, so the former text stays. Nothing but the estate's own statement (``was``) goes in, so that the same estate
gives the same bytes at every render.
"""

from collections.abc import Callable, Mapping

import msgspec

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.hcl import Attribute, Block, Expr, Part, Value, block
from polycloud.deploy.render.former import Names, former
from polycloud.deploy.render.terraform import Root

FILE = "moved.tf"
# What pods choose machines by must be as manifests say it today; clouds change it on machines that stay.
FOLLOWS = ("labels", "node_labels", "initial_node_labels")
ORDERED = ("tag_specifications", "peering_addresses")  # several inner blocks that no name puts in order


def follow(root: Root, build: Callable[[Blueprint], Root], blueprint: Blueprint) -> None:
    """Adds to a root what was moved, and gives what was renamed the texts that it was made with."""
    now, at = root, {address: address for address in root.declared()}
    back = former(blueprint)
    sources: list[str] = []
    while back is not None:
        earlier, names = back
        then = build(earlier)
        pairs = _pairs(then, now, names, root)
        for was, address in sorted(pairs.items()):
            if not was.startswith("data."):
                root.moved(was, address)
                sources += [one.source for one in now.resources() if one.address == f"{root.cloud}/{address}"]
        at = {was: at[pairs.get(was, was)] for was in then.declared() if pairs.get(was, was) in at}
        now, back = then, former(earlier)
    if now is root:
        return
    first = now.declared()
    last = root.declared()
    root.change({address: _kept(last[address], first[was]) for was, address in at.items()})
    if root.moves:
        root.about(FILE, "What was renamed: Terraform keeps it, under its new address.", ", ".join(sorted({*sources})))
        root.add(FILE, *(block("moved", attributes={"from": Expr(a), "to": Expr(b)}) for a, b in root.moves))


def _pairs(then: Root, now: Root, names: Names, root: Root) -> dict[str, str]:
    """Addresses that are only in the former root, with theirs in the later one."""
    gone, new = then.declared().keys() - now.declared().keys(), now.declared().keys() - then.declared().keys()
    found: dict[str, str] = {}
    for address in sorted(gone):
        meant = sorted(_after(address, names) & new)
        if len(meant) == 1 and meant[0] not in found.values():
            found[address] = meant[0]
        else:
            root.gap(f"{root.cloud}: what {address} is called now is not known: Terraform would make it anew")
    return found


def _after(address: str, names: Names) -> set[str]:
    """All that an address can be called once any of the names in it was changed."""
    kind, _, label = address.rpartition(".")
    found = {label}
    for was, name in names:
        for one in sorted(found):
            at = one.find(was)
            while at >= 0:
                found.add(one[:at] + name + one[at + len(was) :])
                at = one.find(was, at + 1)
    return {f"{kind}.{one}" for one in found}


def _kept(now: Block, then: Block) -> Block:
    """A block as it is now, with the literal texts that it had; references follow what they refer to."""
    attributes = {part.name: part.value for part in then.body if isinstance(part, Attribute)}
    blocks = _inner(then)
    mine = _inner(now)
    paired = {
        id(a): b for kind in mine for a, b in zip(mine[kind], blocks.get(kind, ()), strict=False) if _stands(mine, kind)
    }

    def part(one: Part) -> Part:
        if isinstance(one, Attribute) and one.name in attributes and one.name not in FOLLOWS:
            return Attribute(one.name, _text(one.value, attributes[one.name]))
        return _kept(one, paired[id(one)]) if isinstance(one, Block) and id(one) in paired else one

    return msgspec.structs.replace(now, body=tuple(part(one) for one in now.body))


def _inner(outer: Block) -> dict[str, list[Block]]:
    found: dict[str, list[Block]] = {}
    for part in outer.body:
        if isinstance(part, Block):
            found.setdefault(part.kind, []).append(part)
    return found


def _stands(blocks: Mapping[str, list[Block]], kind: str) -> bool:
    """Whether inner blocks of a kind are in the same order whatever is called how."""
    return kind not in FOLLOWS and (len(blocks[kind]) == 1 or kind in ORDERED)


def _text(now: Value, then: Value) -> Value:
    if isinstance(now, str) and isinstance(then, str):
        return then
    if isinstance(now, Mapping) and isinstance(then, Mapping) and now.keys() == then.keys():
        return {name: _text(value, then[name]) for name, value in now.items()}
    if isinstance(now, list) and isinstance(then, list) and all(isinstance(one, str) for one in (*now, *then)):
        return then
    return now
