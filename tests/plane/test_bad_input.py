"""What callers get wrong: a clear error in their dialect, bounded memory, others still served."""

import asyncio
import json


def post(body: bytes, headers: str = "", path: str = "/v1/chat/completions", key: str = "Bearer pk-test") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: {key}\r\n{headers}content-length: {len(body)}\r\n\r\n"
    ).encode() + body


def status(data: bytes) -> int:
    return int(data.split(b" ", 2)[1])


def test_bodies_that_are_no_chat_get_400_in_the_callers_dialect(run):
    async def body(plane):
        for bad in (
            b"",
            b"not json",
            b"[]",
            b"{}",
            b'{"model": 5, "messages": []}',
            b'{"model": "m"}',
            b'{"model": "m", "messages": "hello"}',
            b'{"model": "m", "messages": [{"role": "user", "content": "\xff\xfe"}]}',
            b'{"model": "m", "messages": ' + b"[" * 5000 + b"]" * 5000 + b"}",
            b'{"model": "m", "messages": [], "stream": "yes"}',
        ):
            got = await plane.raw(post(bad))
            assert status(got) == 400, bad[:60]
            assert json.loads(got.partition(b"\r\n\r\n")[2])["error"]["message"]
            got = await plane.raw(post(bad, path="/v1/messages"))
            assert status(got) == 400, bad[:60]
            assert json.loads(got.partition(b"\r\n\r\n")[2])["type"] == "error"

    run(body)


def test_bad_keys_and_unknown_models(run):
    async def body(plane):
        good = json.dumps({"model": "m", "messages": []}).encode()
        assert status(await plane.raw(post(good, key="Bearer pk-wrong"))) == 401
        assert status(await plane.raw(post(good, key="Basic abc"))) == 401
        assert status(await plane.raw(post(good, headers="x-api-key: pk-other\r\n"))) == 401
        unknown = json.dumps({"model": "zzz", "messages": [{"role": "user", "content": "x"}]}).encode()
        got = await plane.raw(post(unknown))
        assert status(got) == 404
        assert not plane.records() or all(r["kind"] == "decision" for r in plane.records())

    run(body)


def test_smuggling_is_refused_and_the_connection_closed(run):
    async def body(plane):
        for head in (
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n"
            b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nabcd",
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer a\r\nauthorization: Bearer b\r\n"
            b"content-length: 0\r\n\r\n",
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n",
            b"GARBAGE\r\n\r\n",
            b"POST /" + b"a" * 10000 + b" HTTP/1.1\r\n\r\n",
            b"POST /v1/chat/completions HTTP/1.1\r\n" + b"".join(b"x-%d: y\r\n" % i for i in range(200)) + b"\r\n",
        ):
            got = await asyncio.wait_for(plane.raw(head, until_close=True), 5)
            assert status(got) in (400, 431), head[:80]

    run(body)


def test_a_huge_body_is_refused_before_it_is_read(run):
    async def body(plane):
        head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n"
        assert status(await plane.raw(head, until_close=True)) == 413
        chunked = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
        writer.write(chunked)
        piece = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        for _ in range(40):
            writer.write(piece)
            await asyncio.sleep(0)
            if reader.at_eof():
                break
        assert status(await asyncio.wait_for(reader.read(4096), 10)) == 413
        writer.close()

    run(body)


def test_a_slow_sender_does_not_keep_others_from_being_served(run, script):
    async def body(plane):
        plane.a.answers = [script.reply]
        writers = []
        for _ in range(50):
            _, writer = await asyncio.open_connection("127.0.0.1", plane.port)
            writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-le")
            writers.append(writer)
        assert (await plane.chat()).status == 200
        for inbound in list(plane.worker._connections):
            inbound.check(asyncio.get_running_loop().time() + 100)
        await asyncio.sleep(0.1)
        assert len(plane.worker._connections) <= 1
        for writer in writers:
            writer.close()

    run(body)


def test_chunked_requests_and_expect_continue_are_read(run, script):
    async def body(plane):
        plane.a.answers = [script.reply]
        data = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer pk-test\r\n"
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(data[i : i + 7]), data[i : i + 7]) for i in range(0, len(data), 7))
        got = await plane.raw(head + b"transfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
        assert status(got) == 200
        reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
        writer.write(head + b"expect: 100-continue\r\ncontent-length: %d\r\n\r\n" % len(data))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        writer.write(data)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.close()

    run(body)


def test_a_wrong_method_for_the_models_is_405_in_the_callers_form(run):
    async def test(plane):
        for path in ("/v1/models", "/v1/models/gpt-4o"):
            for version in ("", "anthropic-version: 2023-06-01\r\n"):
                data = f"DELETE {path} HTTP/1.1\r\nhost: x\r\n{version}connection: close\r\n\r\n"
                head, _, body = (await plane.raw(data.encode())).partition(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 405 ") and b"\r\nallow: GET\r\n" in head + b"\r\n"
                said = json.loads(body)
                assert said["error"]["message"] == "use GET"
                assert (said.get("type") == "error") == bool(version)

    run(test)


def test_http_1_0_callers_get_a_whole_stream_and_a_close(run, script):
    async def body(plane):
        plane.a.answers = [script.stream]
        data = plane.request(stream=True).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
        got = await plane.raw(data, until_close=True)
        assert b"transfer-encoding" not in got.lower() and got.rstrip().endswith(b"data: [DONE]")

    run(body)


def test_a_wrong_method_and_an_unknown_path_are_told_in_the_callers_dialect(run):
    async def test(plane):
        for path, status, allow in (
            ("/v1/chat/completions", 405, "POST"),
            ("/v1/messages", 405, "POST"),
            ("/v1/messages/batches", 404, None),
            ("/v1/embeddings", 404, None),
        ):
            got = await plane.raw(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
            head, _, body = got.partition(b"\r\n\r\n")
            said = json.loads(body)
            assert head.startswith(b"HTTP/1.1 %d " % status)
            assert (b"allow: POST" in head) == (allow is not None)
            assert said["error"]["message"] and said["error"]["code"] == "bad_request"
            if path.startswith("/v1/messages"):
                kind = "not_found_error" if status == 404 else "invalid_request_error"
                assert said["type"] == "error" and said["error"]["type"] == kind
            else:
                assert "type" not in said and said["error"]["type"] == "invalid_request_error"

    run(test)


def test_hundreds_of_requests_sent_at_once_are_all_answered_in_their_order(run, script):
    async def test(plane):
        plane.a.answers = [script.reply]
        reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
        for _ in range(5):
            writer.write(plane.request() * 60)
            await writer.drain()
        writer.write(b"GET /v1/models HTTP/2.0\r\nhost: x\r\n\r\n")
        async with asyncio.timeout(20):
            told = await reader.read()
        writer.close()
        assert told.count(b"HTTP/1.1 200 OK") == 300 == len(plane.a.calls)
        _, ours, last = told.rpartition(b"HTTP/1.1 505 ")
        assert ours and b"HTTP/2.0 is not spoken here" in last and b"connection: close" in last

    run(test)
