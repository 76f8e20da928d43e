"""Why nothing is left for a piece of work or data: the fewest statements of the estate that together refuse it all.

Every candidate has a set of statements each of which alone refuses it. A smallest set that meets all of these is the
answer: exact, by size, since the sets are few and small.
"""

from collections.abc import Iterable, Mapping
from itertools import combinations

import msgspec

from polycloud.estate.findings import Findings
from polycloud.estate.paths import KeyPath, path_text
from polycloud.placement.build.ground import Ground

EXACT_MAX = 6  # statements tried in every combination; beyond it the one that refuses most is taken in turn


class Statement(msgspec.Struct, frozen=True):
    """A statement of the estate, what it does to a candidate, and where it stands (file:line:column)."""

    path: KeyPath
    why: str
    where: str

    def __str__(self) -> str:
        return f"{path_text(self.path)} ({self.where}): {self.why}"


def smallest(refused: Iterable[frozenset[KeyPath]]) -> tuple[KeyPath, ...]:
    """A smallest set that has a member in each of the sets; those that refuse more come first among equals.

    Empty when there is nothing to refuse, or something that nothing refuses.
    """
    distinct = set(refused)
    if not distinct or frozenset() in distinct:
        return ()
    least = [one for one in distinct if not any(other < one for other in distinct)]
    weight = {path: sum(path in one for one in distinct) for one in least for path in one}
    words = sorted(weight, key=lambda path: (-weight[path], path_text(path)))
    for size in range(1, EXACT_MAX + 1):
        for chosen in combinations(words, size):
            picked = set(chosen)
            if all(one & picked for one in least):
                return chosen
    picked = set()
    while rest := [one for one in least if not one & picked]:
        picked.add(max(words, key=lambda path: sum(path in one for one in rest)))
    return tuple(path for path in words if path in picked)


def explained(ground: Ground, candidates: Mapping[str, Mapping[KeyPath, str]]) -> tuple[Statement, ...]:
    """The smallest set for candidates by name, each statement with its reason for one that least else refuses."""
    chosen = smallest(frozenset(why) for why in candidates.values())
    said = []
    for path in chosen:
        told = sorted((name for name, why in candidates.items() if path in why), key=lambda name: len(candidates[name]))
        mine = {name: candidates[name][path] for name in told}
        first = next(iter(mine.values()))
        more = "" if len(set(mine.values())) == 1 else f" (and {len(mine) - 1} more candidates)"
        said.append(Statement(path, first + more, str(ground.where(path))))
    return tuple(said)


def report(
    findings: Findings, code: str, path: KeyPath, what: str, statements: tuple[Statement, ...], fix: str
) -> None:
    """One error that names all of them."""
    because = "".join(f"\n    {statement}" for statement in statements)
    together = "together these refuse every candidate:" if len(statements) > 1 else "this refuses every candidate:"
    findings.error(code, path, f"{what}; {together}{because}" if statements else what, fix)
