"""Every fault of a provider, for each dialect and face, streamed or not: a whole answer from elsewhere or an honest
error in the caller's own dialect, a record of every attempt, and nothing left behind."""

import asyncio
import itertools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

pytestmark = pytest.mark.faults

AWS, AZURE, FOUNDRY, GEMINI = "bedrock", "azure", "azure-claude", "gemini"
CLAUDE, OCI, HALL = "vertex-claude", "oci", "on-premises"
NAMES = (AWS, AZURE, FOUNDRY, GEMINI, CLAUDE, OCI, HALL)


class Trouble(NamedTuple):
    """``spared``: a healthy second site must save a whole answer / a stream; ``alone``: the code of the record where
    there is none, ``unlike`` for the cases that have another; ``fine``: the answer comes from that site itself."""

    name: str
    kind: str
    more: dict[str, Any]
    spared: tuple[bool, bool] = (True, True)
    alone: str = ""
    fine: tuple[bool, bool] = (False, False)
    unlike: Mapping[str, str] = MappingProxyType({})


BROKEN = "broken_stream"
# A spent quota looks like any other 429 there.
ONLY_THROTTLE = {CLAUDE: "provider_throttled", HALL: "provider_throttled"}
TROUBLES = (
    Trouble("outage", "outage", {}, alone="provider_unavailable"),
    Trouble("reset", "reset", {}, alone="provider_unavailable"),
    Trouble("throttle", "throttle", {"retry_after_seconds": 30.0}, alone="provider_throttled"),
    Trouble("quota", "quota", {}, alone="provider_quota_spent", unlike=ONLY_THROTTLE),
    Trouble("silence", "silence", {}, alone="provider_timeout"),
    Trouble("slow first", "slow_first", {"seconds": 0.1}, fine=(True, True)),
    Trouble("slow tokens", "slow_tokens", {"seconds": 0.01}, fine=(True, True)),
    Trouble("cut at once", "cut", {"after_events": 0}, alone=BROKEN),
    Trouble("cut later", "cut", {"after_events": 4}, spared=(True, False), alone=BROKEN),
    Trouble(
        "stalls", "silence_mid_stream", {"after_events": 4}, (True, False), "provider_timeout",
        (True, False),
    ),
    Trouble("broken frame", "broken_frame", {"after_events": 4}, (True, False), BROKEN, (True, False)),
    Trouble("broken frame at once", "broken_frame", {"after_events": 0}, (True, True), BROKEN, (True, False)),
    Trouble(
        "error in stream", "error_in_stream", {"after_events": 4}, (True, False),
        "provider_unavailable", (True, False),
    ),
    Trouble("wrong content type", "wrong_content_type", {}, alone=BROKEN),
    Trouble("bad json", "bad_json", {"after_events": 4}, spared=(True, False), alone=BROKEN),
    Trouble("http 500", "http_error", {"status": 500}, alone="provider_unavailable"),
    Trouble("http 503", "http_error", {"status": 503}, alone="provider_unavailable"),
    Trouble("context too long", "context_too_long", {}, alone="context_too_long"),
    Trouble("unauthorized", "unauthorized", {}, alone="provider_unauthorized"),
)  # fmt: skip


FACES = ("openai", "anthropic")
WAYS = tuple(itertools.product(FACES, (False, True)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda t: t.name)
def test_a_fault(field, name, trouble):
    async def body(plane):
        plane.fault(trouble.kind, **trouble.more)
        await plane.running.apply_outages()
        names = [f"{kind}{i}" for i in range(len(WAYS)) for kind in ("alone", "spared")]
        asked = [(way, model) for i, way in enumerate(WAYS) for model in names[2 * i : 2 * i + 2]]
        answers = await asyncio.gather(*(plane.ask(face, model, stream) for (face, stream), model in asked))
        for ((_, stream), model), got in zip(asked, answers, strict=True):
            check_answer(plane, name, trouble, stream, model.startswith("spared"), got)
        check_books(plane, trouble)

    field(name, body)


def check_answer(plane, name, trouble, stream, spared, got):
    attempts = plane.attempts(got.headers["x-polycloud-request"])
    assert [r["number"] for r in attempts] == list(range(1, len(attempts) + 1))
    assert [r.get("final", False) for r in attempts] == [False] * (len(attempts) - 1) + [True]
    last = attempts[-1]
    if got.error is None:
        assert got.whole, (got.status, got.body)
        assert last["outcome"] == "ok" and last["usage"]["output_tokens"] > 0 and not last.get("estimated")
        assert got.headers["x-polycloud-deployment"] == last["deployment"]
        assert trouble.fine[stream] or spared
    else:
        assert got.error["message"] and got.marks == 0
        assert got.status >= 400 or got.stream
        assert last["outcome"] == "error" and last["code"] == trouble.unlike.get(name, trouble.alone), last
        assert not (spared and trouble.spared[stream])
    if trouble.fine[stream]:
        assert got.whole and len(attempts) == 1
    elif spared and trouble.spared[stream]:
        assert [r["outcome"] for r in attempts] == ["error", "ok"]


def check_books(plane, trouble):
    """The gateway's records and the simulated cloud's own count agree."""
    decisions = [r for r in plane.records() if r["kind"] == "decision"]
    assert len(decisions) == 2 * len(WAYS) and all(r["chosen"] for r in decisions)
    sent = [r for r in plane.attempts() if r["site"] == plane.case.site]
    served = plane.served(plane.case.site)
    assert sum(served.values()) == (0 if trouble.kind == "outage" else len(sent)), served
    assert served.get("ok", 0) == sum(r["outcome"] == "ok" for r in sent)


@pytest.mark.parametrize("name", NAMES)
def test_a_filtered_answer_is_not_sought_elsewhere(field, name):
    async def body(plane):
        plane.fault("content_filter")
        for i, (face, stream) in enumerate(WAYS):
            got = await plane.ask(face, f"spared{i}", stream)
            (attempt,) = plane.attempts(got.headers["x-polycloud-request"])
            assert attempt["site"] == plane.case.site
            if got.error is not None:
                assert got.status == 400 and attempt["code"] == "content_filtered"
            else:  # some providers filter inside a good answer
                reason = b'"content_filter"' if face == "openai" else b'"refusal"'
                assert attempt["outcome"] == "ok" and reason in got.body

    field(name, body)
