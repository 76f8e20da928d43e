"""Working out the options counts in a plan's seconds, tells how far it is, and can be stopped."""

import signal
from functools import partial
from pathlib import Path

import pytest

from polycloud.app import planning
from polycloud.app.cli import main
from polycloud.app.library import load
from polycloud.placement.answer.answering import answer
from polycloud.placement.answer.conflicts import NoPlan
from polycloud.placement.answer.values import Placement
from polycloud.placement.build import Built, build
from polycloud.placement.solve import Limits, Progress, Solved, solve

ESTATE = """
estate: timed
clouds:
  aws: {sites: [us-east-1, eu-central-1]}
workloads:
  a: {kind: application, needs: {vcpu: 4}}
  b: {kind: application, needs: {vcpu: 8}}
"""


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    path = tmp_path / "estate.yaml"
    path.write_text(ESTATE)
    return path


class Clock:
    """Goes on by what the building of options takes."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("takes", "left"), [(4.0, 5.0), (9.5, 2.0), (60.0, 2.0)])
def test_the_search_has_what_the_building_leaves_but_for_the_answer(
    estate: Path, monkeypatch: pytest.MonkeyPatch, takes: float, left: float
) -> None:
    clock, given = Clock(), []

    def slow(*args: object) -> Built:
        clock.now += takes
        return build(*args)  # type: ignore[arg-type]

    def searched(problem: object, limits: Limits, *rest: object) -> Solved:
        given.append(limits.seconds)
        return solve(problem, limits, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(planning, "monotonic", clock)
    monkeypatch.setattr(planning, "build", slow)
    monkeypatch.setattr(planning, "solve", searched)
    planning.Planning(load(estate), planning.PlaceQuery(seconds=10.0))
    assert given == [left]


def test_progress_is_told_while_options_are_worked_out(estate: Path) -> None:
    told: list[Progress] = []

    def heard(progress: Progress) -> bool:
        told.append(progress)
        return True

    planning.Planning(load(estate), report=heard)
    assert "options of 2 of 2 pieces of work" in [row.step for row in told]
    assert [row.seconds for row in told] == sorted(row.seconds for row in told)  # one clock for all steps


def test_who_wants_no_more_before_there_is_a_plan_is_told_so(estate: Path) -> None:
    with pytest.raises(NoPlan, match="stopped while options were worked out, before any plan was made"):
        planning.Planning(load(estate), report=lambda progress: False)


def test_ctrl_c_while_options_are_worked_out_ends_with_a_word(
    estate: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*args: object) -> Built:
        signal.raise_signal(signal.SIGINT)
        return build(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(planning, "build", interrupted)
    assert main.run(["place", "-e", str(estate)]) == 130
    shown = capsys.readouterr()
    assert shown.err.endswith("error: stopped while options were worked out, before any plan was made\n")
    assert shown.out == ""


def test_the_time_of_the_answer_counts_and_no_plan_is_lost_to_it(estate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()

    def searched(problem: object, *rest: object) -> Solved:
        clock.now += 60.0
        return solve(problem, *rest)  # type: ignore[arg-type]

    def later() -> float:
        clock.now += 0.2
        return clock.now

    monkeypatch.setattr(planning, "solve", searched)
    monkeypatch.setattr(planning, "monotonic", clock)
    monkeypatch.setattr(planning, "answer", partial(answer, clock=later))
    found = planning.place(load(estate), planning.PlaceQuery(seconds=10.0))
    assert [part.site for row in found.workloads for part in row.parts]
    assert not any(row.alternatives for row in found.workloads)
    assert "it ended before the next best places of 2 of 2 workloads were looked for" in found.warnings


def test_ctrl_c_while_next_best_places_are_looked_for_shows_the_plan_without_them(
    estate: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*args: object) -> Placement:
        signal.raise_signal(signal.SIGINT)
        return answer(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(planning, "answer", interrupted)
    monkeypatch.setattr(planning, "REPORT_SECONDS", 0.0)
    assert main.run(["place", "-e", str(estate)]) == 130
    shown = capsys.readouterr().out
    assert "Where work runs" in shown
    assert "it ended before the next best places of 2 of 2 workloads were looked for" in " ".join(shown.split())
