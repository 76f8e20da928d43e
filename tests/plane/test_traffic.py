"""Requests through one worker: answers, records, fallback, and what never may happen."""

import asyncio
import json

import msgspec


def test_a_whole_answer_passes_through_and_is_recorded(run, script):
    async def body(plane):
        plane.a.answers = [script.reply]
        got = await plane.chat(temperature=0.5)
        assert (got.status, got.json) == (200, script.COMPLETION)
        assert got.headers["x-polycloud-deployment"] == "onprem/a/m"
        assert plane.a.calls[0].json == {
            "model": "up-model",
            "messages": [{"role": "user", "content": "hi"}],
            "temperature": 0.5,
        }
        assert "authorization: bearer up-secret" in plane.a.calls[0].head.lower()
        decision, attempt = plane.records()
        assert decision["kind"] == "decision" and decision["eligible"] == ["onprem/a/m", "onprem/b/m"]
        assert attempt["outcome"] == "ok" and attempt["final"] and attempt["cost_pico_usd"] == 5 * 10**6 + 2 * 2 * 10**6
        usage = attempt["usage"]
        assert (usage.pop("input_tokens"), usage.pop("output_tokens")) == (5, 2)
        assert not any(usage.values())

    run(body)


def test_a_stream_passes_through_and_usage_is_hidden_unless_asked_for(run, script):
    async def body(plane):
        plane.a.answers = [script.stream]
        got = await plane.chat(stream=True)
        assert got.text == "hello" and got.events[-1] == "[DONE]"
        assert not any('"usage":{' in e.replace(" ", "") for e in got.events)
        assert plane.a.calls[0].json["stream_options"] == {"include_usage": True}
        got = await plane.chat(stream=True, stream_options={"include_usage": True})
        assert json.loads(got.events[-2])["usage"]["prompt_tokens"] == 5
        assert [r["usage"]["output_tokens"] for r in plane.attempts()] == [2, 2]

    run(body)


def test_an_error_goes_to_the_next_site_and_both_attempts_are_booked(run, script):
    async def body(plane):
        plane.a.answers = [script.status(503)]
        plane.b.answers = [script.reply]
        got = await plane.chat()
        assert got.status == 200 and got.headers["x-polycloud-deployment"] == "onprem/b/m"
        assert got.headers["x-polycloud-attempts"] == "2"
        assert [(r["deployment"], r["outcome"], r["final"]) for r in map(_full, plane.attempts())] == [
            ("onprem/a/m", "error", False),
            ("onprem/b/m", "ok", True),
        ]

    run(body)


def _full(record):
    return {"final": False, **record}


def test_a_stream_cut_before_content_is_answered_from_elsewhere(run, script):
    async def cut(call):
        await call.start_stream()
        await call.event(script.delta(role="assistant", content=""))
        call.cut()

    async def body(plane):
        plane.a.answers = [cut]
        plane.b.answers = [script.stream]
        got = await plane.chat(stream=True)
        assert got.status == 200 and got.text == "hello"
        assert [r["code"] for r in plane.attempts() if r["outcome"] == "error"] == ["broken_stream"]

    run(body)


def test_a_stream_cut_after_content_says_so_in_band_and_never_says_done(run, script):
    async def cut(call):
        await call.start_stream()
        await call.event(script.delta(content="hel"))
        await asyncio.sleep(0.05)
        call.cut()

    async def body(plane):
        plane.a.answers = [cut]
        plane.b.answers = [script.stream]
        got = await plane.chat(stream=True)
        assert got.status == 200
        assert "[DONE]" not in got.body.decode() and json.loads(got.events[-1])["error"]["code"] == "broken_stream"
        (record,) = plane.attempts()
        assert record["outcome"] == "error" and record["final"] and record["estimated"]
        assert not plane.b.calls

    run(body)


def test_a_stream_that_ends_without_its_mark_is_an_error(run, script):
    async def short(call):
        await call.start_stream()
        await call.event(script.delta(content="hel"))
        await call.event(script.FINISH)
        await call.end()

    async def body(plane):
        plane.a.answers = [short]
        got = await plane.chat(stream=True)
        assert "[DONE]" not in got.body.decode() and "error" in json.loads(got.events[-1])

    run(body)


def test_silence_times_out_before_the_head_and_in_the_middle(run, script):
    async def silent(call):
        await asyncio.sleep(30)

    async def stalled(call):
        await call.start_stream()
        await call.event(script.delta(content="hel"))
        await asyncio.sleep(30)

    async def body(plane):
        plane.a.answers = [silent]
        plane.b.answers = [script.reply]
        assert (await plane.chat()).headers["x-polycloud-deployment"] == "onprem/b/m"
        plane.a.answers = [stalled]
        got = await plane.chat(stream=True)
        assert json.loads(got.events[-1])["error"]["code"] == "provider_timeout"
        assert [r["code"] for r in plane.attempts() if r["outcome"] == "error"] == ["provider_timeout"] * 2

    run(body)


def test_a_caller_who_hangs_up_cancels_the_provider_and_is_booked(run, script):
    async def slow(call):
        await call.start_stream()
        while True:
            await call.event(script.delta(content="word "))
            await asyncio.sleep(0.02)

    async def body(plane):
        plane.a.answers = [slow]
        reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
        writer.write(plane.request(stream=True))
        await reader.readuntil(b"word")
        writer.close()
        await asyncio.sleep(0.2)
        assert plane.a.hung_up == 1 and plane.a.open == 0
        (record,) = plane.attempts()
        assert record["outcome"] == "cancelled" and record["estimated"] and record["usage"]["output_tokens"] > 0

    run(body)


def test_all_targets_failing_gives_one_error_with_the_trail(run, script):
    async def body(plane):
        plane.a.answers = [script.status(500)]
        plane.b.answers = [script.status(502)]
        got = await plane.chat()
        assert got.status == 503
        message = got.json["error"]["message"]
        assert "onprem/a/m" in message and "onprem/b/m" in message and got.headers["x-polycloud-attempts"]

    run(body)


def test_throttling_everywhere_is_a_429_with_the_shortest_wait(run, script):
    async def body(plane):
        plane.a.answers = [script.status(429, headers="retry-after: 30\r\n")]
        plane.b.answers = [script.status(429, headers="retry-after: 20\r\n")]
        got = await plane.chat()
        assert got.status == 429 and 19 <= int(got.headers["retry-after"]) <= 21
        again = await plane.chat()
        assert again.status in (429, 503) and len(plane.a.calls) == 1

    run(body)


def test_a_request_the_provider_rejects_is_not_sent_elsewhere(run, script):
    async def body(plane):
        plane.a.answers = [script.status(400)]
        plane.b.answers = [script.reply]
        got = await plane.chat()
        assert got.status == 400 and not plane.b.calls

    run(body)


def test_class_only_a_never_reaches_b_whatever_fails(run, script):
    async def body(plane):
        plane.a.answers = [script.status(503)]
        plane.b.answers = [script.reply]
        got = await plane.chat(headers="x-polycloud-class: only-a\r\n")
        assert got.status == 503 and not plane.b.calls
        got = await plane.chat(headers="x-polycloud-class: nowhere\r\n")
        assert got.status == 403 and "class nowhere has no place" in got.json["error"]["message"]
        got = await plane.chat(headers="x-polycloud-class: unheard-of\r\n")
        assert got.status == 400

    run(body)


def test_a_kept_connection_that_the_provider_closed_is_replaced_unnoticed(run, script):
    async def reply_then_close(call):
        await script.reply(call)
        await asyncio.sleep(0.02)
        call.cut()

    async def close_unanswered(call):
        call.cut()

    async def body(plane):
        plane.a.answers = [script.reply, close_unanswered, script.reply]
        assert (await plane.chat()).status == 200
        got = await plane.chat()
        assert got.status == 200 and got.headers["x-polycloud-deployment"] == "onprem/a/m"
        assert plane.worker.gateway.breakers.states() == {}

    run(body)


def test_truncated_and_mistyped_answers_go_to_the_next_site(run, script):
    async def truncated(call):
        await call.send(b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"id":')
        call.cut()

    async def html(call):
        await call.reply(b"<html>hello</html>", kind="text/html")

    async def not_json(call):
        await call.reply(b'{"id": "x", "choices": [')

    async def body(plane):
        plane.b.answers = [script.reply]
        for bad in (truncated, html, not_json):
            plane.a.answers = [bad]
            got = await plane.chat()
            assert got.status == 200 and got.headers["x-polycloud-deployment"] == "onprem/b/m"
        plane.a.answers = [html]
        assert (await plane.chat(stream=True)).status == 502
        assert {r["code"] for r in plane.attempts() if r["outcome"] == "error"} <= {"broken_stream"}

    run(body, lambda plane: None)


def test_pipelined_requests_are_answered_in_order(run, script):
    async def body(plane):
        plane.a.answers = [script.reply]
        reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
        writer.write(plane.request() * 3)
        found = b""
        while found.count(b'"chatcmpl-1"') < 3:
            found += await asyncio.wait_for(reader.read(65536), 5)
        writer.close()
        assert found.count(b"HTTP/1.1 200 OK") == 3

    run(body)


def test_a_key_whose_team_is_gone_is_refused_and_not_freer(run, script):
    async def body(plane):
        plane.a.answers = [script.reply]
        tables = plane.tables()
        plane.tables = lambda: msgspec.structs.replace(tables, teams={})
        plane.take()
        got = await plane.chat()
        assert got.status == 401 and "'t'" in got.json["error"]["message"]
        assert not plane.a.calls

    run(body)
