"""The target shares of traffic beside what the plan makes of them."""

from collections import defaultdict
from collections.abc import Sequence

from polycloud.estate import Estate
from polycloud.placement.answer.values import SiteShare
from polycloud.placement.build import Detail
from polycloud.placement.problem import Problem, Solution

PPM = 1_000_000


def site_shares(
    problem: Problem, plan: Solution, estate: Estate, details: Sequence[Sequence[Detail]]
) -> tuple[SiteShare, ...]:
    """For every site with a target, or with work that serves; none where the estate states no ``traffic.shares``.

    A site's share of the plan is the mean over the workloads that serve, each by its own demand.
    """
    targets = {site: round(ratio.value * PPM) for site, ratio in estate.traffic.shares.items()}
    if not targets or not details:
        return ()
    served: dict[str, float] = defaultdict(float)
    works = set()
    for task, choice, rows in zip(problem.tasks, plan.choice, details, strict=True):
        if rows[choice].serves:
            works.add(task.workload)
            served[problem.sites[task.options[choice].site].id] += rows[choice].serves
    sites = [*targets, *(site for site in sorted(served) if site not in targets)]
    return tuple(
        SiteShare(site, targets.get(site, 0), round(served.get(site, 0.0) * PPM / len(works)) if works else None)
        for site in sites
    )
