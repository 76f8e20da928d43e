"""A state held against the rendered files: what is missing, what no file describes, and what is otherwise than written.

Only what a file says in so many words is compared. References and functions are known to Terraform alone: a plan
(`terraform plan -refresh-only`) compares them too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from polycloud.core.errors import BadRequest
from polycloud.deploy.drift import HIDDEN, Drift, hidden, text
from polycloud.deploy.hcl import Attribute, Block, Call, Expr, Value
from polycloud.deploy.losses import arrived
from polycloud.deploy.ports import Resource
from polycloud.deploy.state import Instance

META = ("count", "for_each", "depends_on", "provider")
META_BLOCKS = ("lifecycle", "provisioner", "connection", "timeouts", "dynamic")
MARKS = ("tags", "labels")
WRITE_ONLY = "_wo"  # such arguments are in no state


class Comparison(msgspec.Struct, frozen=True):
    """Which root a state is of, how many of its resources are in the files, and the differences."""

    root: str
    known: int
    drifts: tuple[Drift, ...]


def compared(
    instances: Sequence[Instance], resources: Iterable[Resource], moved: Mapping[str, str], root: str = ""
) -> Comparison:
    """Every difference between a state and the resources of the root that it is of (the one that it shares the most
    with, unless named). Raises BadRequest where that can not be told."""
    roots: dict[str, dict[str, Block]] = {}
    for resource in resources:
        if resource.block is not None:
            name, _, address = resource.address.partition("/")
            roots.setdefault(name, {})[address] = resource.block
    root = root or _root(instances, roots, moved)
    if root not in roots:
        raise BadRequest(f"no root {root!r} is rendered (there are: {', '.join(sorted(roots))})")
    wanted = roots[root]
    there: dict[str, list[Instance]] = {}
    for instance in instances:
        now = arrived(moved, f"{root}/{instance.address}").partition("/")[2]
        there.setdefault(now, []).append(instance)
    found: list[Drift] = []
    for address in sorted(there.keys() | wanted.keys()):
        if address not in wanted:
            found.append(Drift(address, "in no file", "nothing", "exists"))
        elif address not in there:
            found += [] if _perhaps(wanted[address]) else [Drift(address, "not in the state", "exists", "nothing")]
        else:
            found += _instances(address, wanted[address], there[address])
    return Comparison(root, len(there.keys() & wanted.keys()), tuple(dict.fromkeys(found)))


def _root(instances: Sequence[Instance], roots: Mapping[str, Mapping[str, Block]], moved: Mapping[str, str]) -> str:
    shared = {
        name: sum(arrived(moved, f"{name}/{one.address}").partition("/")[2] in wanted for one in instances)
        for name, wanted in roots.items()
    }
    most = max(shared.values(), default=0)
    best = sorted(name for name, count in shared.items() if count == most)
    if most == 0 or len(best) > 1:
        raise BadRequest(f"the state is of none of the rendered roots: name one with --root {'|'.join(sorted(roots))}")
    return best[0]


def _attributes(block: Block) -> dict[str, Value]:
    return {part.name: part.value for part in block.body if isinstance(part, Attribute)}


def _perhaps(block: Block) -> bool:
    """Whether a variable decides how many of a resource there are: then there may be none."""
    given = _attributes(block)
    return any(isinstance(given.get(name), Expr) for name in ("count", "for_each"))


def _instances(address: str, block: Block, there: list[Instance]) -> list[Drift]:
    found = []
    count = _attributes(block).get("count")
    if isinstance(count, int) and count != len(there):
        found.append(Drift(address, "count", str(count), str(len(there))))
    ignored = _ignored(block)
    for instance in there:
        found += list(_body(address, "", block, instance.values, instance.sensitive, ignored))
    return found


def _ignored(block: Block) -> frozenset[str]:
    """The attributes that the file itself leaves to others, by their first name."""
    found: set[str] = set()
    for part in block.body:
        if isinstance(part, Block) and part.kind == "lifecycle":
            said = _attributes(part).get("ignore_changes")
            for one in said if isinstance(said, list) else ():
                found.add(one.text.partition("[")[0].partition(".")[0] if isinstance(one, Expr) else str(one))
    return frozenset(found)


def _body(
    address: str, path: str, block: Block, values: Mapping[str, object], secret: frozenset[str], ignored: frozenset[str]
) -> Iterator[Drift]:
    """The differences of a block and of those in it. ``path`` is where in the resource it is, "" for the top."""
    inner: dict[str, list[Block]] = {}
    for part in block.body:
        if isinstance(part, Block):
            inner.setdefault(part.kind, []).append(part)
    for name, value in _attributes(block).items():
        skipped = name in ignored or name in META or name.endswith(WRITE_ONLY)
        if not skipped and name in values and not (_same(value, values[name]) and _only(name, value, values[name])):
            shown = (HIDDEN, HIDDEN) if hidden(name, secret) else (text(_plain(value)), text(values[name]))
            yield Drift(address, path + name, *shown)
    for kind, wanted in inner.items():
        if kind in META_BLOCKS or kind in ignored or kind not in values or "dynamic" in inner:
            continue
        said = values[kind]
        there = [one for one in (said if isinstance(said, list) else [said]) if isinstance(one, dict)]
        deeper = secret | (frozenset(there[0]) if there and kind in secret else frozenset())
        if len(wanted) == len(there) == 1:
            yield from _body(address, f"{path}{kind}.", wanted[0], there[0], deeper, frozenset())
        elif len(wanted) != len(there):
            yield Drift(address, path + kind, f"{len(wanted)} of them", f"{len(there)} of them")
        else:  # several have no order that is the same on both sides
            missing = [
                one
                for one in wanted
                if not any(not list(_body(address, "", one, other, secret, frozenset())) for other in there)
            ]
            if missing:
                yield Drift(address, path + kind, f"{len(missing)} as written", "otherwise")


def _same(wanted: Value, found: object) -> bool:
    """Whether what was found is what the file says, as far as it says it in so many words."""
    if wanted is None or isinstance(wanted, Expr | Call):
        return True
    if isinstance(wanted, Mapping):
        if not isinstance(found, Mapping):
            return not wanted
        return all(name in found and _same(value, found[name]) for name, value in wanted.items())
    if isinstance(wanted, str | bool | int | float):
        return _scalar(wanted) == _scalar(found)
    if not isinstance(found, list):
        return not wanted and found is None
    if len(wanted) != len(found):
        return False
    return all(any(_same(one, other) for other in found) for one in wanted)


def _only(name: str, wanted: Value, found: object) -> bool:
    """Whether there are no other tags than those written. Of other objects a provider tells more than was asked."""
    if not name.endswith(MARKS) or not isinstance(wanted, Mapping) or not isinstance(found, Mapping):
        return True
    return found.keys() <= wanted.keys()


def _scalar(value: object) -> str:
    """Providers keep some numbers as texts, and nothing for an empty text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}" if value != int(value) else str(int(value))
    return value if isinstance(value, str) else text(value)


def _plain(value: Value) -> object:
    """A value with what only Terraform knows left open."""
    if isinstance(value, Expr | Call):
        return "…"
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
