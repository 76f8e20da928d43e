"""Traffic that is moved or held back while requests are under way: the overlay, throttling, a worker's end."""

import asyncio

import msgspec
import pytest

from polycloud.core.chat import Need
from polycloud.gateway import link
from polycloud.gateway.breaker import OPEN_SECONDS
from polycloud.policy.overlay import Overlay, Steer

FAILED = Overlay(1, {"onprem/a": Steer("failed")})
PATHS = {"/v1/chat/completions": {}, "/v1/messages": {"max_tokens": 100}}


async def silent(call):
    await asyncio.sleep(30)


def stuck(upstream, script, *events):
    """Answers that send ``events`` and then nothing; and what tells that one is under way."""
    begun = asyncio.Event()

    async def answer(call):
        if events:
            await call.start_stream()
            for event in events:
                await call.event(event)
        begun.set()
        await asyncio.sleep(30)

    upstream.answers = [answer]
    return begun


async def asked(plane, begun, **fields):
    asking = asyncio.create_task(plane.chat(**fields))
    await asyncio.wait_for(begun.wait(), 2)
    await asyncio.sleep(0.05)
    return asking


def patient(plane):
    plane.limits = msgspec.structs.replace(plane.limits, header_seconds=20.0, idle_seconds=20.0, total_seconds=20.0)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("stream", "events"), [(False, ()), (True, ()), (True, ("opening",))])
def test_what_waits_at_a_site_that_has_failed_is_tried_elsewhere_at_once(run, script, path, stream, events):
    async def body(plane):
        begun = stuck(plane.a, script, *[script.delta(role="assistant", content="") for _ in events])
        plane.b.answers = [script.stream if stream else script.reply]
        asking = await asked(plane, begun, path=path, stream=stream, **PATHS[path])
        plane.worker._take(link.SetOverlay(FAILED))
        got = await asyncio.wait_for(asking, 2)
        assert got.status == 200 and b"hel" in got.body
        assert got.headers["x-polycloud-deployment"] == "onprem/b/m"
        assert [(r["deployment"], r["outcome"], r.get("code", "")) for r in plane.attempts()] == [
            ("onprem/a/m", "error", "steered_away"),
            ("onprem/b/m", "ok", ""),
        ]
        assert plane.worker.gateway.pool.size == 1  # the connection to the first was dropped, so that it stops
        assert plane.worker.gateway.breakers.states() == {}

    run(body, patient)


def test_what_was_chosen_in_the_turn_of_the_change_is_moved_too(run, script):
    async def body(plane):
        plane.a.answers, plane.b.answers = [silent], [script.reply]
        journal = plane.worker.gateway.journal
        flush = journal._flush

        def first():
            journal._flush = flush
            plane.worker._take(link.SetOverlay(FAILED))  # the choice is made, its record not written
            flush()

        journal._flush = first
        got = await asyncio.wait_for(plane.chat(), 2)
        assert got.status == 200 and got.headers["x-polycloud-deployment"] == "onprem/b/m"
        assert [r.get("code", "") for r in plane.attempts()] == ["steered_away", ""]

    run(body, patient)


@pytest.mark.parametrize("stream", [False, True])
def test_a_caller_who_hangs_up_as_the_site_fails_leaves_one_last_record(run, script, stream):
    async def body(plane):
        plane.b.answers = [silent]
        begun = stuck(plane.a, script)
        _reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
        writer.write(plane.request(stream=stream))
        await asyncio.wait_for(begun.wait(), 2)
        await asyncio.sleep(0.05)
        (inbound,) = plane.worker._connections
        plane.worker._take(link.SetOverlay(FAILED))
        inbound.transport.abort()  # in the same turn: the next attempt is decided on and not launched
        inbound.connection_lost(None)
        await asyncio.sleep(0.1)
        writer.close()
        assert [(r["number"], r["outcome"], "final" in r) for r in plane.attempts()] == [
            (1, "error", False), (0, "cancelled", True),
        ]  # fmt: skip
        assert plane.b.calls == [] and plane.worker.gateway.pool.size == 0

    run(body, patient)


def test_half_a_whole_answer_is_given_up_and_one_answer_comes(run, script):
    async def body(plane):
        begun = asyncio.Event()

        async def half(call):
            await call.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{")
            begun.set()
            await asyncio.sleep(30)

        plane.a.answers, plane.b.answers = [half], [script.reply]
        asking = await asked(plane, begun)
        plane.worker._take(link.SetOverlay(FAILED))
        plane.worker._take(link.SetOverlay(Overlay(2, {"onprem/a": Steer("failed"), "onprem/c": Steer("failed")})))
        got = await asyncio.wait_for(asking, 2)
        assert got.status == 200 and got.json["choices"][0]["message"]["content"] == "hello"
        assert ["final" in r for r in plane.attempts()] == [False, True] and len(plane.b.calls) == 1

    run(body, patient)


def test_a_probe_that_is_moved_away_leaves_its_place_to_the_next(run, script):
    async def body(plane):
        breakers = plane.worker.gateway.breakers
        breakers.failed("onprem/a/m", open_now=True)
        breakers._by_id["onprem/a/m"].open_until = 0.0
        breakers.tick()
        begun = stuck(plane.a, script)
        asking = await asked(plane, begun)
        assert "onprem/a/m" in breakers.blocked()
        plane.b.answers = [script.reply]
        plane.worker._take(link.SetOverlay(FAILED))
        assert (await asyncio.wait_for(asking, 2)).status == 200
        assert "onprem/a/m" not in breakers.blocked() and breakers.states() == {"onprem/a/m": "half-open"}

    run(body, patient)


def test_the_second_site_fails_too_and_the_last_answer_is_waited_for(run, script):
    async def body(plane):
        first, second = stuck(plane.a, script), asyncio.Event()

        async def late(call):
            second.set()
            await asyncio.sleep(0.3)
            await script.reply(call)

        plane.b.answers = [late]
        asking = await asked(plane, first)
        plane.worker._take(link.SetOverlay(FAILED))
        await asyncio.wait_for(second.wait(), 2)
        plane.worker._take(link.SetOverlay(Overlay(2, {"onprem/a": Steer("failed"), "onprem/b": Steer("failed")})))
        assert (await asyncio.wait_for(asking, 2)).status == 200
        assert len(plane.a.calls) == len(plane.b.calls) == 1

    run(body, patient)


def test_draining_lets_what_waits_go_on(run, script):
    async def body(plane):
        begun = asyncio.Event()

        async def late(call):
            begun.set()
            await asyncio.sleep(0.3)
            await script.reply(call)

        plane.a.answers = [late]
        asking = await asked(plane, begun)
        plane.worker._take(link.SetOverlay(Overlay(1, {"onprem/a": Steer("draining")})))
        got = await asking
        assert got.status == 200 and got.headers["x-polycloud-deployment"] == "onprem/a/m"

    run(body, patient)


def test_the_overlay_of_a_store_that_was_put_back_from_a_copy_is_followed(run, script):
    async def body(plane):
        for node in (plane.a, plane.b):
            node.answers = [script.reply]
        plane.worker._take(link.SetOverlay(Overlay(7, {"onprem/b": Steer("failed")})))
        plane.worker._take(link.SetOverlay(Overlay(1, {"onprem/a": Steer("draining")})))
        got = await plane.chat()
        assert got.status == 200 and got.headers["x-polycloud-deployment"] == "onprem/b/m"

    run(body)


def test_after_its_first_content_an_answer_runs_on_at_a_site_that_has_failed(run, script):
    async def body(plane):
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def talking(call):
            await call.start_stream()
            await call.event(script.delta(content="hel"))
            begun.set()
            await go_on.wait()
            for event in (script.delta(content="lo"), script.FINISH, b"[DONE]"):
                await call.event(event)
            await call.end()

        plane.a.answers = [talking]
        asking = await asked(plane, begun, stream=True)
        plane.worker._take(link.SetOverlay(FAILED))
        go_on.set()
        got = await asking
        assert got.text == "hello" and got.events[-1] == "[DONE]"
        assert [r["outcome"] for r in plane.attempts()] == ["ok"]

    run(body, patient)


def test_a_committed_answer_that_falls_silent_ends_by_the_idle_deadline(run, script):
    async def body(plane):
        begun = stuck(plane.a, script, script.delta(content="hel"))
        asking = await asked(plane, begun, stream=True)
        plane.worker._take(link.SetOverlay(FAILED))
        got = await asyncio.wait_for(asking, 3)
        assert got.events[-1] != "[DONE]" and "silent" in got.body.decode()
        assert [r["code"] for r in plane.attempts()] == ["provider_timeout"]

    run(body)


def test_with_nowhere_else_to_go_the_answer_is_waited_for(run, script):
    async def body(plane):
        begun = asyncio.Event()

        async def late(call):
            begun.set()
            await asyncio.sleep(0.3)
            await script.reply(call)

        plane.a.answers = [late]
        asking = await asked(plane, begun, headers="x-polycloud-class: only-a\r\n")
        plane.worker._take(link.SetOverlay(FAILED))
        assert (await asking).status == 200
        assert (await plane.chat(headers="x-polycloud-class: only-a\r\n")).status == 503
        assert [r["outcome"] for r in plane.attempts()] == ["ok"]

    run(body, patient)


def test_an_overlay_about_others_moves_nothing(run, script):
    async def body(plane):
        begun = stuck(plane.a, script)
        asking = await asked(plane, begun)
        plane.worker._take(link.SetOverlay(Overlay(1, {"onprem/b": Steer("failed")})))
        await asyncio.sleep(0.1)
        assert plane.attempts() == [] and not asking.done()
        plane.b.answers = [script.reply]
        plane.worker._take(link.SetOverlay(Overlay(2, {}, {"onprem/a/m": Steer("failed")})))
        assert (await asyncio.wait_for(asking, 2)).status == 200

    run(body, patient)


@pytest.mark.parametrize("path", PATHS)
def test_the_only_deployment_that_is_throttled_answers_429_until_it_has_cooled(run, script, path):
    async def body(plane):
        plane.a.answers = [script.status(429, headers="retry-after: 7\r\n"), script.reply]
        only = {"path": path, "headers": "x-polycloud-class: only-a\r\n", **PATHS[path]}
        for answer in (await plane.chat(**only), await plane.chat(**only)):
            assert answer.status == 429 and 0 < int(answer.headers["retry-after"]) <= 8
            assert answer.json["error"]["type"] == "rate_limit_error"
        assert len(plane.a.calls) == 1
        assert "throttles" in answer.json["error"]["message"] and "onprem/a/m" in answer.json["error"]["message"]
        plane.b.answers = [script.reply]
        assert (await plane.chat(path, **PATHS[path])).headers["x-polycloud-deployment"] == "onprem/b/m"
        assert [r.get("code", "") for r in plane.records() if r["kind"] == "decision"] == [
            "", "provider_throttled", "",
        ]  # fmt: skip

    run(body)


@pytest.mark.parametrize(
    "junk", [b"data: not json\n\n", b"data: {\n\nrubbish", b'data: {"choices":7}\n\n', b"\xff\xfe"]
)
@pytest.mark.parametrize("path", PATHS)
def test_rubbish_behind_the_mark_in_the_same_read_does_not_spoil_the_answer(run, script, path, junk):
    async def body(plane):
        async def answer(call):
            await call.start_stream()
            frames = [script.delta(content="hel"), script.delta(content="lo"), script.FINISH, script.USAGE]
            data = b"".join(b"data: " + msgspec.json.encode(f) + b"\n\n" for f in frames) + b"data: [DONE]\n\n"
            await call.chunk(data + junk)
            await call.end()

        plane.a.answers = [answer]
        got = await plane.chat(path, stream=True, **PATHS[path])
        assert got.status == 200 and b"lo" in got.body and junk not in got.body
        assert b"[DONE]" in got.body or b"message_stop" in got.body
        (attempt,) = plane.attempts()
        assert attempt["outcome"] == "ok" and attempt["usage"]["output_tokens"] == 2

    run(body)


@pytest.mark.parametrize("stream", [False, True])
def test_where_a_route_degrades_the_first_of_several_tool_calls_is_kept(run, script, stream):
    calls = [
        {"index": i, "id": f"c{i}", "type": "function", "function": {"name": f"f{i}", "arguments": "{}"}}
        for i in range(2)
    ]

    async def whole(call):
        message = {"role": "assistant", "content": None, "tool_calls": calls}
        await call.reply(
            {**script.COMPLETION, "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
        )

    async def streamed(call):
        await call.start_stream()
        for one in calls:
            await call.event(script.delta(tool_calls=[one]))
        finish = {**script.FINISH, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
        for event in (finish, script.USAGE, b"[DONE]"):
            await call.event(event)
        await call.end()

    def prepare(plane):
        plane.route = {"prefer": "order", "unsupported": "degrade"}
        made = plane.tables

        def tables():
            found = made()
            rows = tuple(msgspec.structs.replace(d, can=d.can & ~int(Need.SERIAL_TOOLS)) for d in found.deployments)
            return msgspec.structs.replace(found, deployments=rows)

        plane.tables = tables

    async def body(plane):
        plane.a.answers = [streamed if stream else whole]
        tool = {"type": "function", "function": {"name": "f0", "parameters": {"type": "object"}}}
        got = await plane.chat(stream=stream, tools=[tool], parallel_tool_calls=False)
        assert got.status == 200 and "parallel_tool_calls:first" in got.headers["x-polycloud-degraded"]
        assert b'"f0"' in got.body and b'"f1"' not in got.body and b"tool_calls" in got.body
        assert "parallel_tool_calls" not in plane.a.calls[0].json

    run(body, prepare)


def test_where_a_route_degrades_a_bound_over_the_models_own_is_lowered(run, script):
    def prepare(plane):
        plane.route = {"prefer": "order", "unsupported": "degrade"}
        made = plane.deployment
        plane.deployment = lambda *args: msgspec.structs.replace(made(*args), max_output_tokens=500)

    async def body(plane):
        plane.a.answers = [script.reply]
        got = await plane.chat(max_tokens=9000, custom={"x": 1})
        assert got.status == 200 and got.headers["x-polycloud-degraded"] == "max_tokens:500"
        sent = plane.a.calls[0].json
        assert sent.get("max_tokens", sent.get("max_completion_tokens")) == 500 and sent["custom"] == {"x": 1}
        assert (await plane.chat(max_tokens=400)).headers.get("x-polycloud-degraded") is None
        image = {"type": "image_url", "image_url": {"url": "https://x.example/y.png", "detail": "high"}}
        choices = [{**script.COMPLETION["choices"][0], "index": i} for i in range(2)]

        async def two(call):
            await call.reply({**script.COMPLETION, "choices": choices})

        plane.a.answers = [two]
        messages = [{"role": "user", "content": [image]}]
        got = await plane.chat(max_completion_tokens=9000, n=2, messages=messages)
        sent = plane.a.calls[-1].json
        assert sent["max_completion_tokens"] == 500 and sent["n"] == 2 and sent["messages"] == messages
        assert got.json["choices"] == choices and got.headers["x-polycloud-degraded"] == "max_tokens:500"

    run(body, prepare)


@pytest.mark.parametrize("value", ["", ",", "open,"])
def test_a_class_header_that_names_none_is_refused(run, script, value):
    async def body(plane):
        got = await plane.chat(headers=f"x-polycloud-class: {value}\r\n")
        assert got.status == 400 and "x-polycloud-class" in got.json["error"]["message"]

    run(body)


def shut(plane, *, checked=False):
    """All breakers open; with ``checked``, the active checks find nobody either."""
    gateway = plane.worker.gateway
    for name in ("a/m", "b/m", "b/other"):
        gateway.breakers.failed(f"onprem/{name}", open_now=True)
    if checked:
        gateway.down = frozenset(("onprem/a/m", "onprem/b/m", "onprem/b/other"))
    gateway.look()
    return gateway


@pytest.mark.parametrize("checked", [False, True])
@pytest.mark.parametrize("stream", [False, True])
def test_an_outage_of_everything_that_has_ended_is_not_held_against_the_next_caller(run, script, checked, stream):
    async def body(plane):
        gateway = shut(plane, checked=checked)
        plane.a.answers = [script.status(503)]
        plane.b.answers = [script.stream if stream else script.reply]
        got = await plane.chat(stream=stream)
        assert got.status == 200 and got.headers["x-polycloud-deployment"] == "onprem/b/m"
        assert [(r["deployment"], r["outcome"]) for r in plane.attempts()] == [
            ("onprem/a/m", "error"),
            ("onprem/b/m", "ok"),
        ]
        # Who answered is trusted again; who failed is left alone no longer than before.
        assert gateway.breakers.states() == {"onprem/a/m": "open", "onprem/b/other": "open"}
        assert gateway.breakers.open_seconds(["onprem/a/m"]) <= OPEN_SECONDS

    run(body)


def test_a_last_resort_tries_each_once_and_ends_with_the_retry_budget(run, script):
    async def body(plane):
        gateway = shut(plane)
        plane.route["fallback"] = "same-model"
        plane.take()
        plane.a.answers = plane.b.answers = [script.status(503)]
        assert (await plane.chat()).status == 503
        assert len(plane.a.calls) == len(plane.b.calls) == 1
        gateway.budget._tokens = 0.0
        got = await plane.chat()
        assert got.status == 503 and 1 <= int(got.headers["retry-after"]) <= OPEN_SECONDS
        assert len(plane.a.calls) == len(plane.b.calls) == 1

    run(body)


def test_people_s_word_and_the_data_s_class_hold_in_a_last_resort_too(run, script):
    async def body(plane):
        gateway = shut(plane)
        plane.a.answers = plane.b.answers = [script.status(503)]
        tokens = gateway.budget._tokens
        got = await plane.chat(headers="x-polycloud-class: only-a\r\n")
        assert got.status == 503 and len(plane.a.calls) == 1 and not plane.b.calls
        gateway.steer(Overlay(1, {"onprem/a": Steer("draining")}))
        got = await plane.chat(headers="x-polycloud-class: only-a\r\n")
        assert got.status == 503 and len(plane.a.calls) == 1 and not plane.b.calls
        assert gateway.budget._tokens > tokens - 2  # the refused one has taken nothing of it
        gateway.breakers.cool("onprem/b/m", 20.0)
        gateway.breakers.cool("onprem/b/other", 20.0)
        assert (await plane.chat()).status == 503 and not plane.b.calls

    run(body)
