"""Directed cuts that a fractional tree breaks, by maximum flow from the source to each target."""

from collections import deque
from collections.abc import Sequence

from polycloud.placement.routes.tree import Case

SMALL = 1e-6
WHOLE = 1.0 - 1e-4  # a flow of one, but for the solver's tolerance
NESTED_MOST = 6  # cuts behind each other that are taken for one target in one round


def broken_cuts(given: Case, values: Sequence[float]) -> list[list[int]]:
    """Sets of hops that must hold one whole hop together and do not; each leaves a set with the source in it."""
    found: dict[tuple[int, ...], None] = {}
    for target in given.targets:
        room = {at: value for at, value in enumerate(values) if value > SMALL}
        for _ in range(NESTED_MOST):
            flow, near, far = _flow(given, room, target)
            if flow >= WHOLE:
                break
            for side in (near, far):
                cut = tuple(at for at, hop in enumerate(given.hops) if hop.start in side and hop.end not in side)
                found[cut] = None
            for at, hop in enumerate(given.hops):
                if hop.start in near and hop.end not in near:
                    room[at] = 1.0  # as if this cut held: the next one lies behind it
    return [list(cut) for cut in found]


def _flow(given: Case, room: dict[int, float], target: int) -> tuple[float, set[int], set[int]]:
    """(maximum flow, the source's side of the first cut, that of the last), by shortest augmenting paths (Edmonds
    and Karp, 1972); parallel hops are one."""
    left: dict[tuple[int, int], float] = {}
    beside: dict[int, set[int]] = {}
    for at, value in room.items():
        start, end = given.hops[at].start, given.hops[at].end
        left[start, end] = left.get((start, end), 0.0) + value
        left.setdefault((end, start), 0.0)
        beside.setdefault(start, set()).add(end)
        beside.setdefault(end, set()).add(start)
    total = 0.0
    while total < WHOLE:
        parent = _search(given.source, target, left, beside)
        if target not in parent:
            break
        path, node = [], target
        while node != given.source:
            path.append((parent[node], node))
            node = parent[node]
        amount = min(left[pair] for pair in path)
        for start, end in path:
            left[start, end] -= amount
            left[end, start] += amount
        total += amount
    near = set(_search(given.source, -1, left, beside))
    turned = {(end, start): value for (start, end), value in left.items()}
    behind = set(_search(target, -1, turned, beside))
    nodes = {node for hop in given.hops for node in (hop.start, hop.end)}
    return total, near, nodes - behind


def _search(start: int, goal: int, left: dict[tuple[int, int], float], beside: dict[int, set[int]]) -> dict[int, int]:
    """Breadth first over what has room left: node -> the node before it."""
    parent = {start: start}
    todo = deque([start])
    while todo and goal not in parent:
        node = todo.popleft()
        for end in beside.get(node, ()):
            if end not in parent and left[node, end] > SMALL:
                parent[end] = node
                todo.append(end)
    return parent
