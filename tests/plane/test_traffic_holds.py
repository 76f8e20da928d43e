"""What holds for every request: its team's rules, records before effects, deadlines, signs of life, explanations."""

import asyncio
import json
from collections.abc import Callable

import msgspec
import pytest

from polycloud.gateway import pipeline
from polycloud.policy.tables import Team


@pytest.mark.parametrize(
    ("team", "status", "said"),
    [
        (Team("t", classes=("nowhere",)), 403, "class nowhere has no place"),
        (Team("t", models=("other",)), 403, "'m'"),
    ],
)
def test_what_holds_for_a_team_holds_for_all_its_keys(run, script, team: Team, status: int, said: str) -> None:
    async def body(plane):
        plane.team = team
        plane.take()
        plane.a.answers = plane.b.answers = [script.reply]
        got = await plane.chat()
        assert got.status == status
        assert said in got.json["error"]["message"]
        assert not plane.a.calls and not plane.b.calls

    run(body)


def test_a_teams_class_keeps_a_fallback_inside(run, script) -> None:
    async def body(plane):
        plane.team = Team("t", classes=("only-a",))
        plane.take()
        plane.a.answers, plane.b.answers = [script.status(503)], [script.reply]
        got = await plane.chat()
        assert got.status == 503
        assert not plane.b.calls

    run(body)


def test_nothing_happens_before_its_record_is_on_disk(run, script) -> None:
    async def body(plane):
        journal, loop = plane.worker.gateway.journal, asyncio.get_running_loop()
        late: Callable[[], object] = lambda: loop.call_later(0.15, journal._flush)  # noqa: E731
        journal._schedule = lambda: (setattr(journal, "_scheduled", True), late())
        seen: list[list[str]] = []

        async def look(call):
            seen.append([record["kind"] for record in plane.records()])
            await script.reply(call)

        plane.a.answers = [look]
        got = await plane.chat()
        assert got.status == 200
        assert seen == [["decision"]]
        assert [record["outcome"] for record in plane.attempts()] == ["ok"]

    run(body)


def test_a_stream_that_goes_on_for_ever_ends_at_the_total_deadline(run, script) -> None:
    async def drip(call):
        await call.start_stream()
        for _ in range(40):
            await call.event(script.delta(content="x"))
            await asyncio.sleep(0.1)

    async def body(plane):
        plane.limits = msgspec.structs.replace(plane.limits, total_seconds=0.5)
        plane.take()
        plane.a.answers = [drip]
        got = await plane.chat(stream=True)
        assert "not complete within 0.5 s" in got.events[-1]
        assert [record["outcome"] for record in plane.attempts()] == ["error"]

    run(body)


def test_a_silent_model_is_covered_by_signs_of_life(run, script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "KEEP_ALIVE_SECONDS", 0.1)

    async def think(call):
        await call.start_stream()
        await call.event(script.delta(role="assistant", content="h"))
        await asyncio.sleep(0.8)
        await call.event(script.FINISH)
        await call.event(b"[DONE]")
        await call.end()

    async def body(plane):
        plane.limits = msgspec.structs.replace(plane.limits, idle_seconds=3.0)
        plane.take()
        plane.a.answers = [think]
        answer = await plane.raw(plane.request(stream=True))
        before, _, after = answer.partition(b'"h"')
        assert b"\n:" not in before
        assert b"\n:" in after

    run(body)


def test_an_explanation_is_of_the_very_choice_that_was_made(run, script) -> None:
    async def body(plane):
        plane.route = {"shares": {"onprem/a": 50.0, "onprem/b": 50.0}}
        plane.take()
        plane.a.answers = plane.b.answers = [script.reply] * 6
        served = []
        for _ in range(6):
            got = await plane.chat(headers="x-polycloud-explain: 1\r\n")
            order = json.loads(got.headers["x-polycloud-explain"])["order"]
            served.append(got.headers["x-polycloud-deployment"])
            assert order[0]["deployment"] == served[-1]
        assert set(served) == {"onprem/a/m", "onprem/b/m"}

    run(body)
