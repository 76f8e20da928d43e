"""Who would have been right: the plan or a rule, decided on the first two thirds and billed on the rest.

Every kind of usage with every seed is reported; none is chosen.
"""

import argparse
import time
from collections import Counter

from usage import KINDS, history

from polycloud.placement.commitments import rules
from polycloud.placement.commitments.instruments import bind
from polycloud.placement.commitments.offers import Offering
from polycloud.placement.commitments.portfolio import PLAN, Settings, held_out

OFFERS = [
    Offering("1y", "aws", "savings-plan", "1y", keep_ppm=720_000),
    Offering("3y", "aws", "savings-plan", "3y", keep_ppm=550_000),
]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--weeks", type=int, default=26)
    parser.add_argument("--term", choices=("1y", "3y"), default="3y", help="The longest term on offer.")
    parser.add_argument("--risk", type=float, default=0.0)
    asked = parser.parse_args()
    names = (PLAN, rules.RULE, rules.RECOMMENDER, rules.PEAK)
    print("cost of the held-out weeks, % of no promise at all; the smallest in brackets")
    print(f"{'usage':12} seed " + " ".join(f"{name:>22}" for name in names))
    wins: Counter[str] = Counter()
    beaten = Counter[str]()
    start = time.perf_counter()
    for kind in KINDS:
        for seed in range(asked.seeds):
            usage = history(kind, seed, asked.weeks)
            found = held_out(
                usage,
                bind(usage, OFFERS[: 1 + (asked.term == "3y")]),
                Settings(seed=seed, risk=asked.risk),
                lambda: True,
            )
            assert found is not None
            costs = dict(found.costs)
            shares = {name: costs[name] / costs[rules.NONE] for name in names}
            best = min(shares, key=lambda name: shares[name])
            wins[best] += 1
            beaten[kind] += shares[PLAN] < shares[rules.RULE]
            cells = (f"[{share:.1%}]" if name == best else f"{share:.1%}" for name, share in shares.items())
            print(f"{kind:12} {seed:4} " + " ".join(f"{cell:>22}" for cell in cells))
    print(f"best: {dict(wins)}")
    print(f"plan cheaper than '{rules.RULE}': " + ", ".join(f"{k} {beaten[k]}/{asked.seeds}" for k in KINDS))
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
