"""Ends of streams that are unusual, and the list of models."""

import asyncio
import json

import msgspec
import pytest

from polycloud.core.ports.models import Credential
from polycloud.gateway import link
from polycloud.policy.tables import Route


async def whole_but_open(script, call):
    await call.start_stream()
    for event in (script.delta(content="hel"), script.delta(content="lo"), script.FINISH, b"[DONE]"):
        await call.event(event)


@pytest.mark.parametrize("events", [[b"[DONE]"], [b'{"choices":[]}', b"[DONE]"]])
def test_a_stream_of_nothing_but_its_mark_is_no_answer(run, script, events):
    async def empty(call):
        await call.start_stream()
        for event in events:
            await call.event(event)
        await call.end()

    async def body(plane):
        plane.a.answers = [empty]
        plane.b.answers = [script.stream]
        got = await plane.chat(stream=True)
        assert got.status == 200 and got.text == "hello" and got.headers["x-polycloud-deployment"] == "onprem/b/m"
        assert [r.get("code", "") for r in plane.attempts()] == ["broken_stream", ""]

    run(body)


def test_an_answer_without_content_that_says_why_it_ended_is_one(run, script):
    async def nothing(call):
        await call.start_stream()
        await call.event(script.FINISH)
        await call.event(b"[DONE]")
        await call.end()

    async def body(plane):
        plane.a.answers = [nothing]
        got = await plane.chat(stream=True)
        assert got.status == 200 and got.events[-1] == "[DONE]" and got.text == ""

    run(body)


@pytest.mark.parametrize("finished", [1, 2])
def test_several_choices_are_whole_when_all_of_them_are(run, script, finished):
    async def several(call):
        await call.start_stream()
        for delta, reason in (({"content": "a"}, None), ({}, "stop")):
            for index in range(2 if reason is None else finished):
                choice = {"index": index, "delta": delta, "finish_reason": reason}
                await call.event(json.dumps({"id": "c", "choices": [choice]}).encode())
            await asyncio.sleep(0.05)  # the first content is on its way
        await call.event(b'{"error":{"message":"no more","type":"server_error","code":null}}')
        await call.event(b"[DONE]")
        await call.end()

    async def body(plane):
        plane.a.answers = [several]
        got = await plane.chat(stream=True, n=2)
        [attempt] = plane.attempts()
        assert got.status == 200
        assert (attempt["outcome"], "[DONE]" in got.events) == (("ok", True) if finished == 2 else ("error", False))

    run(body)


def test_what_comes_after_the_mark_does_not_spoil_the_answer(run, script):
    async def chatty(call):
        await whole_but_open(script, call)
        await asyncio.sleep(0.05)
        await call.event(b"not json at all")
        await call.end()

    async def body(plane):
        plane.a.answers = [chatty]
        got = await plane.chat(stream=True)
        assert got.text == "hello" and got.events[-1] == "[DONE]" and plane.attempts()[0]["outcome"] == "ok"

    run(body)


def test_a_provider_that_stays_open_after_its_mark_is_not_waited_for(run, script):
    async def open_end(call):
        await whole_but_open(script, call)
        await asyncio.sleep(30)

    async def busy_end(call):
        await whole_but_open(script, call)
        while True:
            await call.chunk(b": still here\n\n")
            await asyncio.sleep(0.02)

    async def body(plane):
        for answer in (open_end, busy_end):
            plane.a.answers = [answer]
            got = await asyncio.wait_for(plane.chat(stream=True), 3)
            assert got.text == "hello" and got.events[-1] == "[DONE]"
        assert [r["outcome"] for r in plane.attempts()] == ["ok", "ok"]
        await asyncio.sleep(0.1)
        assert plane.a.open <= 1

    run(body)


def test_the_list_of_models_has_every_name_that_a_caller_may_ask_for(run):
    async def names(plane, path="/v1/models", method="GET"):
        data = f"{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer pk-test\r\nconnection: close\r\n\r\n"
        head, _, body = (await plane.raw(data.encode(), until_close=True)).partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)

    async def body(plane):
        status, found = await names(plane)
        assert status == 200 and [m["id"] for m in found["data"]] == ["good", "m", "other"]
        status, found = await names(plane, "/v1/models/good")
        assert status == 200 and found["id"] == "good"
        assert (await names(plane, "/v1/models/go%6Fd"))[1]["id"] == "good"  # SDKs escape the / of a name
        assert (await names(plane, "/v1/models/bad"))[0] == 404
        assert (await names(plane, method="DELETE"))[0] == 405

    def prepare(plane):
        tables = plane.tables

        def with_a_tier():
            found = tables()
            tier = Route("tier", ("good",), models=("m", "other"), limits=plane.limits)
            return msgspec.structs.replace(found, routes=(tier, *found.routes))

        plane.tables = with_a_tier

    run(body, prepare)


def test_an_answer_to_head_leaves_no_body_in_the_way_of_the_next(run):
    async def body(plane):
        data = b"HEAD /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer pk-test\r\n\r\n"
        got = await asyncio.wait_for(plane.raw(data * 2, until_close=True), 5)
        assert got.count(b"HTTP/1.1 ") == 1 and b"connection: close" in got

    run(body)


def test_a_target_in_absolute_form_reaches_the_same_endpoint(run, script):
    async def body(plane):
        plane.a.answers = [script.reply]
        data = plane.request().replace(b"POST /v1", b"POST http://gateway.example:8080/v1")
        assert b" 200 " in (await plane.raw(data)).split(b"\r\n")[0]
        head = "GET http://gateway.example/v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer pk-test\r\n\r\n"
        assert b'"object":"list"' in await plane.raw(head.encode())

    run(body)


def test_a_caller_who_does_not_read_makes_no_provider_look_silent(run, script):
    async def body(plane):
        big = {**script.COMPLETION, "padding": "x" * 16_000_000}

        async def large(call):
            await call.reply(big)

        plane.a.answers = [large, script.reply]
        reader, writer = await asyncio.open_connection("127.0.0.1", plane.port, limit=1024)
        writer.write(plane.request() + plane.request())
        await asyncio.sleep(3 * plane.limits.header_seconds)
        assert [r["outcome"] for r in plane.attempts()] == ["ok"] and plane.worker.gateway.breakers.states() == {}
        assert len(plane.a.calls) == 1 and plane.b.calls == []  # the second waits until the first is taken
        seen = b""
        async with asyncio.timeout(10):
            while b'"content":"hello"' not in seen[-5000:].replace(b" ", b"") or len(plane.attempts()) < 2:
                seen += await reader.read(1 << 20)
        assert [r["outcome"] for r in plane.attempts()] == ["ok", "ok"]
        writer.close()

    run(body)


def test_of_several_streamed_choices_the_mark_tells_the_end_and_all_are_booked(run, script):
    def of(index, text, finish=None):
        return script.delta() | {"choices": [{"index": index, "delta": {"content": text}, "finish_reason": finish}]}

    events = [of(0, "one"), of(1, "two"), of(0, "", "stop"), of(1, " more"), of(1, " words"), of(1, "", "stop")]
    usage = {**script.USAGE, "usage": {"prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14}}

    def answer(left_out):
        async def several(call):
            await call.start_stream()
            for event in [*events, usage, b"[DONE]"][: -left_out or None]:
                await call.event(event)
            await call.end()

        return several

    async def body(plane):
        plane.a.answers = [answer(0)]
        got = await plane.chat(stream=True, n=2)
        assert plane.a.calls[0].json["n"] == 2
        assert [json.loads(event) for event in got.events[:-1]] == events and got.events[-1] == "[DONE]"
        (record,) = plane.attempts()
        assert (record["outcome"], record["usage"]["output_tokens"]) == ("ok", 9)
        plane.a.answers = [answer(4)]  # the first choice has ended, the second never does
        got = await plane.chat(stream=True, n=2)
        assert "broken_stream" in got.events[-1]
        record = plane.attempts()[-1]
        assert (record["outcome"], record["code"], record["estimated"]) == ("error", "broken_stream", True)

    run(body)


def test_a_control_process_that_knows_less_takes_no_credential_back(run, script):
    async def body(plane):
        plane.a.answers = [script.reply]
        plane.worker._take(link.SetCredentials({"new": Credential("bearer", {"token": "t"})}))
        assert (await plane.chat()).status == 200
        assert "up-secret" in plane.a.calls[0].head
        plane.take()
        assert set(plane.worker.gateway.credentials) == {"key"}  # no table names the other

    run(body)
