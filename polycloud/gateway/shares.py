"""Shares: exact proportions between sites, kept by smooth weighted round robin.

The algorithm is nginx's (``ngx_http_upstream_round_robin.c``): every turn each entry gains its
weight, the richest is picked and pays the sum. Over any run of turns whose length is a multiple of
the sum, each entry is picked exactly in proportion, and evenly spread.
"""

from collections.abc import Iterable, Mapping
from math import gcd

from polycloud.policy.tables import Deployment

Weights = tuple[tuple[str, int], ...]
REST = ""  # the group of deployments that no share names
SHARE_STEPS = 1000  # shares count in thousandths of a percent, as integers: no drift
TURNS_MAX = 4096  # kinds of requests with a place of their own in the rotation; the oldest is forgotten


class Turns:
    """Whose turn it is, by kind of request; one per worker, survives reloads of the tables."""

    def __init__(self) -> None:
        self._earned: dict[tuple[str, Weights], list[int]] = {}

    def pick(self, kind: tuple[str, Weights]) -> str:
        """The next id for ``kind``: a route's name with the weights in force, which must not be empty."""
        weights = kind[1]
        earned = self._earned.get(kind)
        if earned is None:
            if len(self._earned) >= TURNS_MAX:
                del self._earned[next(iter(self._earned))]
            earned = self._earned[kind] = [0] * len(weights)
        best = total = 0
        for i, (_, weight) in enumerate(weights):
            earned[i] += weight
            total += weight
            if earned[i] > earned[best]:
                best = i
        earned[best] -= total
        return weights[best][0]


class Split:
    """The shares in force between those deployments that can serve one kind of request.

    ``ranks`` by the group whose turn it is, then by deployment: 0 for that group, then by share,
    the unshared last.
    """

    __slots__ = ("ranks", "weights")

    def __init__(self, group_of: dict[int, str], weights: Weights) -> None:
        self.weights = weights
        self.ranks = {first: _ranks(group_of, weights, first) for first, _ in weights}


def split(
    shares: Mapping[str, float],
    failover: Mapping[str, Mapping[str, float]],
    override: Mapping[str, float],
    deployments: tuple[Deployment, ...],
    eligible: Iterable[int],
) -> Split | None:
    """The shares between ``eligible`` deployments; None when none apply.

    A share that nobody eligible can take is lost: the first lost one with declared fail-over shares
    puts those in force, otherwise the rest keep their proportion (40/35/25 without 40 is
    58.3/41.7). ``override`` is the overlay's. Without any share on the route, sites that the overlay
    names take theirs and the route's own order gets the rest of 100.
    """
    indices = list(eligible)
    base = dict(shares)
    if shares:
        base |= override
        present = {_group(deployments[i], base) for i in indices}
        for lost in shares:
            declared = failover.get(lost)
            if lost not in present and declared:
                changed = {**declared, **{k: v for k, v in override.items() if k in declared}}
                if any(changed.get(_group(deployments[i], changed), 0) > 0 for i in indices):
                    base = changed
                    break
    else:
        base = {
            k: v for k, v in override.items() if any(k in (deployments[i].id, deployments[i].site) for i in indices)
        }
        if base:
            base[REST] = max(0.0, 100.0 - sum(base.values()))
    group_of = {i: _group(deployments[i], base) for i in indices}
    present = set(group_of.values())
    counted = [(k, round(v * SHARE_STEPS)) for k, v in base.items() if k in present and round(v * SHARE_STEPS) > 0]
    if not counted:
        return None
    common = gcd(*(weight for _, weight in counted))
    return Split(group_of, tuple((name, weight // common) for name, weight in counted))


def _ranks(group_of: dict[int, str], weights: Weights, first: str) -> dict[int, int]:
    by_share = sorted(weights, key=lambda w: -w[1])
    place = {name: i for i, (name, _) in enumerate(by_share, 1)}
    place[first] = 0
    return {index: place.get(group, len(place) + 1) for index, group in group_of.items()}


def _group(deployment: Deployment, shares: Mapping[str, float]) -> str:
    """A deployment's own share comes before its site's."""
    if deployment.id in shares:
        return deployment.id
    return deployment.site if deployment.site in shares else REST
