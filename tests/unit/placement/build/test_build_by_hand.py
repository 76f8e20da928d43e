"""One small estate whose every number is worked out by hand: machines, spot, storage, traffic by tiers, a promise,
people, moves, and three years of it all."""

import math
from collections.abc import Callable

import pytest

from polycloud.catalog.market_rows import EgressPrice, Interruption, Offer, Step
from polycloud.placement.answer.costs import cost
from polycloud.placement.bill import bill
from polycloud.placement.build import Built
from polycloud.placement.solve import solve

A, G = "aws/us-east-1", "gcp/us-central1"
HEAD = """
estate: hand
clouds:
  aws: {sites: [us-east-1]}
  gcp: {sites: [us-central1]}
"""
ESTATE = """
data_classes: {kept: {replicate: never}}
teams: {core: {knows: [aws]}}
datasets:
  logs: {at: aws/us-east-1, size: 20 TB, grows: {size: 1 TB, per: month}}
  archive: {at: aws/us-east-1, size: 15 TB, pinned: true, class: kept}
workloads:
  train:
    kind: training
    needs: {accelerator: H100, count: 8}
    hours_per_month: 400
    checkpoint_every: 1h
    checkpoint_takes: 3m
    restart_takes: 6m
    reads: [logs]
    read_per_month: {logs: 30 TB}
    team: core
  report: {kind: application, at: [gcp/us-central1], needs: {vcpu: 8}, reads: [archive]}
  web:
    kind: application
    at: [aws/us-east-1]
    environment: development
    needs: {vcpu: 8}
    scale:
      min: 0
      max: 10
      demand: [DAY]
money: {complexity: {per_cloud: 100 USD, per_unfamiliar: 50 USD}}
"""


@pytest.fixture
def built(make: Callable[..., Built], offer: Callable[..., Offer], small: Callable[..., object]) -> Built:
    steps = (Step(0, 90_000), Step(10_000, 80_000))  # 0.09 USD per GB, 0.08 above 10 TB
    market = small(
        (
            offer(A, "m1.large", 1_000_000, committed_1y=800_000, committed_3y=600_000),
            offer(G, "n1", 1_200_000),
            offer(G, "a3", 20_000_000, accelerator="H100-80GB", count=8, spot=8_000_000),
        ),
        interruptions=(Interruption(G, "a3", 0.0, 0.05),),
        egress=(EgressPrice(A, G, "aws out", steps, quality="list"), EgressPrice(G, A, "gcp out", steps)),
    )
    day = ", ".join(["100 %"] * 12 + ["40 %"] * 12)
    return make(ESTATE.replace("DAY", day), market, head=HEAD)


def test_every_number_by_hand(built: Built) -> None:
    problem = built.problem
    solved = solve(problem)
    assert solved.solution is not None and solved.status == "optimal"
    found = cost(problem, solved.solution, built.months)
    dollars = {kind: micro / 1e6 for kind, micro in found.by_kind.items()}

    # Training, 400 h on the one machine with H100: 20 % on demand at 20, 80 % on spot at 8, which takes longer by
    # a save of 0.05 h every hour, and by interruptions: -ln(1 - 0.05) / 720 an hour, each half an hour and 0.1 h.
    stretch = 1 + 0.05 + -math.log(0.95) / 720 * (0.5 + 0.1)
    training = 400 * (0.2 * 20 + 0.8 * 8 * stretch)
    # The report, all month on n1: 730 x 1.20. The web: 12 hours of the day 10 machines, 12 hours 4: 365 x 14 x 1.00.
    report, web = 730 * 1.2, 365 * 14
    assert dollars["compute"] == pytest.approx(training + report + web, abs=1e-5)
    assert training == pytest.approx(4288.11, abs=0.01)

    # Promised are the 4 machines of every hour, for three years: 4 x 730 x (0.60 - 1.00). The 6 others are used in
    # half of the hours only, and a promise is paid for 0.6 of all.
    assert dollars["commitment"] == -4 * 730 * 0.4

    # The logs leave AWS: 26 TB in the middle of the year at 0.02 per GB; the archive stays, 15 TB.
    assert dict(zip((item.name for item in problem.items), solved.solution.copies, strict=True)) == {
        "logs": (problem.sites.index(next(s for s in problem.sites if s.id == G)),),
        "archive": (problem.sites.index(next(s for s in problem.sites if s.id == A)),),
    }
    assert dollars["storage"] == pytest.approx((26_000 + 15_000) * 0.02, abs=1e-5)

    # Out of AWS a month: 1,000 GB of new logs, 15,000 GB of the archive that is read; the first 10,000 cost 0.09, the
    # rest 0.08. And a twelfth of the move of 20,000 GB in one month.
    move = 10_000 * 0.09 + 10_000 * 0.08
    sent = 10_000 * 0.09 + 6_000 * 0.08
    assert dollars["transfer"] == pytest.approx(sent + move / 12, abs=1e-5)

    # One cloud more than one, and one workload at a cloud that its team does not know.
    assert (dollars["complexity"], dollars["penalty"]) == (100, 50)
    month = training + report + web - 1168 + 820 + sent + move / 12 + 150
    assert found.month_micro / 1e6 == pytest.approx(month, abs=1e-3)
    assert found.month_micro == bill(problem, solved.solution).total == sum(line.micro for line in found.lines)

    # The move once; else the month comes back 36 times.
    assert found.once_micro / 1e6 == pytest.approx(move, abs=1e-4)
    assert found.three_years_micro / 1e6 == pytest.approx(36 * (month - move / 12) + move, abs=0.01)
    assert found.unbilled_micro == 150_000_000


def test_what_was_not_chosen_is_dearer_by_what_the_hand_says(built: Built) -> None:
    """The logs at AWS, read from there: no move, no new data out, the same storage; but 30 TB more out of AWS."""
    problem = built.problem
    best = solve(problem).solution
    assert best is not None
    names = [item.name for item in problem.items]
    aws = next(at for at, site in enumerate(problem.sites) if site.id == A)
    copies = tuple((aws,) if name == "logs" else sites for name, sites in zip(names, best.copies, strict=True))
    sources = tuple(
        tuple(aws if names[flow.item] == "logs" else source for flow, source in zip(task.flows, row, strict=True))
        for task, row in zip(problem.tasks, best.sources, strict=True)
    )
    other = type(best)(best.choice, copies, sources, best.promised)
    more = bill(problem, other)
    assert not more.faults
    # 30,000 GB more and 1,000 GB less, all of them above the first 10,000: at 0.08; and no move.
    assert (more.total - bill(problem, best).total) / 1e6 == pytest.approx(29_000 * 0.08 - 1_700 / 12, abs=1e-3)
