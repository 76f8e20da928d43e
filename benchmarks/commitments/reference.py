"""The reference portfolio, 8, 5 and 3 million USD a year at 30, 35 and 28 % off: for which usage is it right?

The programme scales with the usage, so the usage for which it buys exactly this is found in one step.
"""

import msgspec
from usage import START, series

from polycloud.placement.commitments import rules
from polycloud.placement.commitments.history import History, Series
from polycloud.placement.commitments.instruments import bind
from polycloud.placement.commitments.offers import MONTH_HOURS, YEAR_HOURS, Offering
from polycloud.placement.commitments.portfolio import PLAN, Settings, recommend

WANTED = {"aws": (8_000_000, 0.30), "azure": (5_000_000, 0.35), "gcp": (3_000_000, 0.28)}
KINDS = {"aws": "savings-plan", "azure": "reservation", "gcp": "committed-use"}
OFFERS = [
    Offering(cloud, cloud, KINDS[cloud], "1y", keep_ppm=round(1e6 * (1 - off))) for cloud, (_, off) in WANTED.items()
]
MONTHS = YEAR_HOURS / MONTH_HOURS


def bought(found: History) -> dict[str, float]:
    answer = recommend(found, bind(found, OFFERS), Settings())
    return {buy.name: buy.cost_micro / 1e6 * MONTHS for buy in answer.buys}


def main() -> None:
    lines = [series(cloud, "steady", 1000.0, 26, seed=1) for cloud in WANTED]
    costs = bought(History(START, tuple(lines)))
    scaled = []
    for line in lines:
        factor = WANTED[line.cloud][0] / costs[line.cloud]
        scaled.append(msgspec.structs.replace(line, micro=tuple(round(v * factor) for v in line.micro)))
    found = History(START, tuple(scaled))
    answer = recommend(found, bind(found, OFFERS), Settings())
    print("cloud  on-demand M/year  promised M/year  off  used  saves M/year")
    for buy in answer.buys:
        line: Series = next(s for s in scaled if s.cloud == buy.name)
        demand = sum(line.micro) / len(line.micro) * YEAR_HOURS / 1e12
        cost, saving = (v * MONTHS / 1e12 for v in (buy.cost_micro, buy.saving_micro))
        off = WANTED[buy.name][1]
        print(f"{buy.name:6} {demand:16.2f} {cost:16.2f} {off:4.0%} {buy.utilisation:5.1%} {saving:13.2f}")
    plan, rule, none = (answer.outcome(name) for name in (PLAN, rules.RULE, rules.NONE))
    for name, outcome in (("plan", plan), (rules.RULE, rule), ("none", none)):
        print(
            f"{name}: {outcome.mean * MONTHS / 1e12:.2f} M USD a year, if usage falls by 30 %: "
            f"{outcome.fallen * MONTHS / 1e12:.2f}"
        )


if __name__ == "__main__":
    main()
