"""Why a task is where it is, and what would have to change for another place to win: sentences from exact sums."""

from collections import Counter

from polycloud.placement.answer.ledger import Ledger
from polycloud.placement.answer.moves import Move, move, places
from polycloud.placement.answer.values import Refused
from polycloud.placement.answer.words import listed, percent, usd
from polycloud.placement.problem import Problem

DEARER = {  # the bill's kinds of line, as the cause of a difference
    "compute": "its machines would cost {} more",
    "machines": "they would cost {} more with all that changes, promises counted",
    "storage": "keeping the data would cost {} more",
    "transfer": "moving the data would cost {} more",
    "commitment": "promises would save {} less",
    "complexity": "another cloud would be run for {}",
    "penalty": "late answers or an unfamiliar cloud would count {} more",
}
PRICES = {  # what one can wish to be cheaper
    "transfer": "moving the data",
    "storage": "keeping the data",
    "penalty": "late answers or an unfamiliar cloud",
    "complexity": "one more cloud",
}


def reason(ledger: Ledger, task: int, refused: tuple[Refused, ...] = ()) -> str:
    """The constraint that binds, in a sentence."""
    problem, choice = ledger.problem, ledger.solution.choice
    row = problem.tasks[task]
    here = row.options[choice[task]].site
    by_site = places(problem, task)
    if len(by_site) == 1:
        # Whole sites that were refused say more than single machines, and those here nothing of elsewhere.
        name = problem.sites[here].id
        far = [r.why for r in refused if any(what.partition(":")[0] != name for what in r.what)]
        whole = [r.why for r in refused if not any(":" in what for what in r.what)] or far
        reasons = list(dict.fromkeys(reason for why in whole for reason in why.split("; ")))
        why = f" (elsewhere: {listed(reasons)})" if reasons else ""
        return f"{problem.sites[here].id} is the only place left{why}"
    alone = {site: _alone(problem, task, options[0]) for site, options in by_site.items()}
    cheapest = min(alone, key=lambda site: (alone[site], site))
    if cheapest == here:
        return _cheapest(ledger, task, alone)
    tried = move(ledger, task, cheapest, by_site[cheapest])
    site, saving = problem.sites[cheapest].id, alone[here] - alone[cheapest]
    if tried.outcome.faults:
        return f"{site} alone would be {usd(saving)} cheaper a month, but {listed(tried.outcome.faults, 2)}"
    causes = _causes(tried.outcome.kinds)
    if tried.outcome.total < ledger.total:
        less = usd(ledger.total - tried.outcome.total)
        return f"{site} would cost {less} less a month: it is not cost that decides, or it is within the proven gap"
    if tried.outcome.total == ledger.total or not causes:
        return f"as good as any: {site} would cost the same"
    said = listed([DEARER[kind].format(usd(more)) for kind, more in causes])
    if saving <= 0:
        return f"{site} costs as much by itself, but there {said} a month"
    return f"{site} has machines that are cheaper by {usd(saving)} a month, but there {said}"


def _alone(problem: Problem, task: int, option: int) -> int:
    chosen = problem.tasks[task].options[option]
    return chosen.cost + chosen.penalty


def _cheapest(ledger: Ledger, task: int, alone: dict[int, int]) -> str:
    problem = ledger.problem
    row = problem.tasks[task]
    here = row.options[ledger.solution.choice[task]].site
    option = row.options[ledger.solution.choice[task]]
    second = min((site for site in alone if site != here), key=lambda site: (alone[site], site))
    name, other = problem.sites[here].id, problem.sites[second].id
    local = [
        problem.items[flow.item].name
        for flow, source in zip(row.flows, ledger.solution.sources[task], strict=True)
        if source == here or (flow.write and here in ledger.solution.copies[flow.item])
    ]
    data = f" and {listed(sorted(set(local)))} {'is' if len(set(local)) == 1 else 'are'} beside it" if local else ""
    if alone[second] == alone[here]:
        return f"no place is cheaper than {name} ({usd(alone[here])} a month){data}; {other} costs as much"
    more = f"the next by itself, {other}, costs {usd(alone[second])}"
    cost = usd(option.cost + option.penalty)
    if option.cost + option.penalty > alone[here]:
        # Not the cheapest by itself: promises, or what it shares with the rest, make it so.
        kept = option.pool >= 0 and (
            any(ledger.solution.promised[option.pool]) or any(option.pool in wide.pools for wide in problem.wide)
        )
        why = (
            f"promises for {problem.pools[option.pool].name} decide" if kept else "what it shares with the rest decides"
        )
        least = f"alone the least there is {usd(alone[here])}, and {other} costs {usd(alone[second])}"
        return f"{why}: {option.machine} at {name} costs {cost} a month before that{data}; {least}"
    return f"{name} has the cheapest machines, {option.machine} at {cost} a month{data}; {more}"


def _causes(kinds: Counter[str]) -> list[tuple[str, int]]:
    """What grows, the most first; machines only where nothing else does, with what promises save on them."""
    grown = [(kind, more) for kind, more in kinds.items() if more > 0 and kind != "compute"]
    machines = kinds["compute"] + min(kinds["commitment"], 0)
    if not grown and machines > 0:
        return [("machines", machines)]
    return sorted(grown, key=lambda pair: (-pair[1], pair[0]))


def wins_if(ledger: Ledger, found: Move, extra: int) -> str:
    """What would have to change for the move to cost no more. Exact for the machine's price, which the total is
    linear in, unless promises cover it: they save less as it falls, so that it is the least. For data at their price
    of now."""
    option = ledger.problem.tasks[found.task].options[found.option]
    if extra <= 0:
        return (
            "nothing: it costs no more"
            if extra == 0
            else f"cost alone decided, or the search went on: it is {usd(-extra)} cheaper"
        )
    said = []
    if 0 < extra < option.cost:
        less, share = option.cost - extra, percent(extra / option.cost)
        amounts = f"({usd(less)} instead of {usd(option.cost)} a month)"
        prepaid = any(paid.cloud == ledger.problem.sites[found.site].cloud for paid in ledger.problem.credits)
        if (option.pool >= 0 and any(option.hourly)) or prepaid:
            covered = "prepaid money" if prepaid else "promises for it"
            share, amounts = f"at least {share}", f"({covered} would save less too)"
        said.append(f"{option.machine} there cost {share} less {amounts}")
    for kind, what in PRICES.items():
        more = found.outcome.kinds[kind]
        if more >= extra:
            said.append(f"{what} cost {percent(extra / more)} less there")
    grown = sorted(((more, kind) for kind, more in found.outcome.kinds.items() if more > 0), reverse=True)
    causes = listed([DEARER[kind].format(usd(more)) for more, kind in grown])
    return " or ".join(said) or f"no single price decides it: {causes}"


def differs(ledger: Ledger, found: Move) -> tuple[str, ...]:
    """What else the move changes: other tasks and copies."""
    problem, plan = ledger.problem, ledger.solution
    said = []
    for other, index in found.change.tasks.items():
        if other != found.task:
            site = problem.sites[problem.tasks[other].options[index].site].id
            said.append(f"{problem.tasks[other].name} moves to {site}")
    for item, sites in found.change.items.items():
        said += moved(problem, problem.items[item].name, plan.copies[item], sites)
    return tuple(said)


def moved(problem: Problem, name: str, before: tuple[int, ...], after: tuple[int, ...]) -> list[str]:
    """What becomes of a data set's copies, in at most one sentence."""
    new = listed([problem.sites[site].id for site in after if site not in before])
    gone = listed([problem.sites[site].id for site in before if site not in after])
    if new and gone:
        return [f"{name} moves from {gone} to {new}"]
    return [f"{name} gets a copy at {new}"] if new else [f"{name} leaves {gone}"] if gone else []
