"""Streams whose chunks are handed on as they came: the same answer, the same records, the same deadlines."""

import asyncio
import json

import pytest

from polycloud.gateway.attempts import Attempt

WORDS = [f"word{n} " for n in range(40)]
USED = {"prompt_tokens": 5, "completion_tokens": 40, "total_tokens": 45}


@pytest.fixture
def taken(monkeypatch):
    """How many chunks were handed on unparsed."""
    found = []
    take = Attempt._take
    monkeypatch.setattr(Attempt, "_take", lambda *args: take(*args) and not found.append(args[1]))
    return found


def frames(script):
    words = [script.delta(role="assistant", content=""), *(script.delta(content=w) for w in WORDS)]
    return [b"data: " + json.dumps(v).encode() + b"\n\n" for v in (*words, script.FINISH)]


async def begin(call):
    await call.start_stream()
    await asyncio.sleep(0.01)


async def paced(call, pieces):
    for piece in pieces:
        await call.send(piece)
        await asyncio.sleep(0.002)


def ending(script):
    usage = {**script.USAGE, "usage": USED}
    return b"data: " + json.dumps(usage).encode() + b"\n\ndata: [DONE]\n\n"


def as_chunk(frame, form=b"%x\r\n%b\r\n"):
    return form % (len(frame), frame)


def whole(script, form=b"%x\r\n%b\r\n"):
    async def answer(call):
        await begin(call)
        await paced(call, [as_chunk(f, form) for f in (*frames(script), ending(script))])
        await call.end()

    return answer


def test_most_of_a_stream_is_not_parsed_and_all_of_it_arrives(run, script, taken):
    async def body(plane):
        plane.a.answers = [whole(script)]
        for ask in ({}, {"stream_options": {"include_usage": True}}):
            taken.clear()
            got = await plane.chat(stream=True, **ask)
            hidden = b"" if ask else ending(script).removesuffix(b"data: [DONE]\n\n")
            assert got.body == (b"".join(frames(script)) + ending(script)).replace(hidden or b"\0", b"")
            assert len(WORDS) - 8 <= len(taken) < len(WORDS)
        assert [(r["outcome"], r["usage"]["output_tokens"]) for r in plane.attempts()] == [("ok", 40)] * 2

    run(body)


@pytest.mark.parametrize("form", [b"%X\r\n%b\r\n", b"0%x\r\n%b\r\n", b"%x;name=value\r\n%b\r\n"])
def test_a_server_that_writes_chunks_in_another_way_is_parsed(run, script, taken, form):
    async def body(plane):
        plane.a.answers = [whole(script, form)]
        got = await plane.chat(stream=True)
        assert got.text == "".join(WORDS) and got.events[-1] == "[DONE]"
        same = form == b"%X\r\n%b\r\n"  # a length without a letter looks alike in both
        assert same or not taken

    run(body)


def test_chunks_that_are_cut_or_joined_between_whole_ones(run, script, taken):
    async def odd(call):
        pieces, wire = [as_chunk(f) for f in (*frames(script), ending(script))], []
        for n, piece in enumerate(pieces):
            match n % 9:
                case 6:
                    wire += [piece[:2], piece[2:]]
                case 7:
                    wire += [piece[:-1], piece[-1:]]
                case 8:
                    wire[-1] += piece
                case _:
                    wire.append(piece)
        await begin(call)
        await paced(call, wire)
        await call.end()

    async def body(plane):
        plane.a.answers = [odd]
        got = await plane.chat(stream=True)
        assert got.text == "".join(WORDS) and got.events[-1] == "[DONE]" and taken
        assert [r["usage"]["output_tokens"] for r in plane.attempts()] == [40]

    run(body)


def test_silence_is_counted_from_the_last_chunk(run, script, taken):
    async def silent(call):
        await begin(call)
        for frame in frames(script)[:21]:  # longer in all than one silence may be
            await call.send(as_chunk(frame))
            await asyncio.sleep(0.05)
        await asyncio.sleep(30)

    async def body(plane):
        plane.a.answers = [silent]
        loop = asyncio.get_running_loop()
        begun = loop.time()
        got = await plane.chat(stream=True)
        assert loop.time() - begun > 21 * 0.05 + plane.limits.idle_seconds - 0.1
        assert "error" in json.loads(got.events[-1]) and len(taken) > 10
        assert "".join(WORDS[:20]) == "".join(
            c["delta"].get("content") or "" for e in got.events[:-1] for c in json.loads(e)["choices"]
        )
        [attempt] = plane.attempts()
        assert attempt["code"] == "provider_timeout" and attempt["usage"]["output_tokens"] >= 20

    run(body)


def test_an_http10_caller_gets_no_chunks(run, script, taken):
    async def body(plane):
        plane.a.answers = [whole(script)]
        request = plane.request(stream=True).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
        head, _, answer = (await plane.raw(request, until_close=True)).partition(b"\r\n\r\n")
        assert b"transfer-encoding" not in head.lower() and not taken
        assert answer.startswith(frames(script)[0]) and answer.endswith(b"data: [DONE]\n\n")

    run(body)
