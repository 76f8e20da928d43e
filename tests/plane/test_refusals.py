"""What a refusal leaves: an id in every answer, a record of every decision about a model request, and a bound."""

import asyncio
import json

import pytest

from polycloud.gateway import refusals, server
from polycloud.gateway.keys import Keyring, digest
from polycloud.policy.overlay import Overlay, Steer
from polycloud.policy.tables import Principal

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
PATHS = {"/v1/chat/completions": "x-request-id", "/v1/messages": "request-id"}


def post(body=CHAT, headers="", path="/v1/chat/completions", key="pk-test"):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers += f"authorization: Bearer {key}\r\ncontent-length: {len(data)}\r\n"
    return f"POST {path} HTTP/1.1\r\nhost: x\r\n{headers}\r\n".encode() + data


def told(data):
    """Status and id of an answer; the id is there once, and once more for the official clients."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = [line.split(": ") for line in lines]
    (own,) = [value for name, value in headers if name == "x-polycloud-request"]
    assert own.startswith("req-")
    (also,) = [value for name, value in headers if name in PATHS.values()]
    assert also == own
    assert json.loads(body).get("request_id", own) == own
    return int(first.split()[1]), own


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("request_of", "status", "code", "rule"),
    [
        (lambda path: post(key="pk-secret-guess", path=path), 401, "key_refused", "not known"),
        (lambda path: post(b"no json", path=path), 400, "bad_request", None),
        (lambda path: post({**CHAT, "model": "z" * 5000, "max_tokens": 5}, path=path), 404, "model_unknown", "zzz"),
        (
            lambda path: post({**CHAT, "max_tokens": 5}, "x-polycloud-class: nowhere\r\n", path),
            403,
            "policy_denied",
            "nowhere has no place",
        ),
    ],
)
def test_a_decision_about_a_model_request_has_a_record_with_its_rule(run, path, request_of, status, code, rule):
    async def body(plane):
        got = await plane.raw(request_of(path))
        found, own = told(got)
        assert found == status
        (record,) = plane.records()
        assert (record["request"], record["code"], record["chosen"]) == (own, code, "")
        assert rule in record["refused"]["*"] if rule else "refused" not in record
        raw = json.dumps(record)
        assert "pk-secret-guess" not in raw and len(raw) < 1500
        assert record["key"] == ("" if status == 401 else "k1")

    run(body)


def test_a_rate_and_a_place_that_is_out_of_service_have_their_records(run):
    async def body(plane):
        gateway = plane.worker.gateway
        gateway.keys = Keyring([Principal(id="k1", digest=digest(b"pk-test"), team="t", requests_per_minute=1)])
        gateway.steer(Overlay(1, {"onprem/a": Steer("failed"), "onprem/b": Steer("failed")}))
        answers = [told(await plane.raw(post())) for _ in range(2)]
        assert [status for status, _ in answers] == [503, 429]
        records = plane.records()
        assert [r["request"] for r in records] == [own for _, own in answers]
        assert [r["code"] for r in records] == ["provider_unavailable", "rate_limited"]
        assert "overlay" in records[0]["refused"]["*"] and "1 requests a minute" in records[1]["refused"]["*"]

    run(body)


FRAMING = {
    b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n": 413,
    b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n": 400,
    b"POST %b HTTP/1.1\r\n" + b"".join(b"x-%d: y\r\n" % i for i in range(200)) + b"\r\n": 431,
    b"POST %b HTTP/1.1\r\nbad header\r\n\r\n": 400,
    b"GET %b HTTP/1.1\r\nhost: x\r\n\r\n": 405,
    b"GET %b/no/such HTTP/1.1\r\nhost: x\r\n\r\n": 404,
}


@pytest.mark.parametrize("path", PATHS)
def test_what_never_became_a_model_request_has_an_id_and_no_record(run, path):
    async def body(plane):
        for data, status in FRAMING.items():
            assert told(await plane.raw(data % path.encode()))[0] == status, data
        listing = b"GET /v1/models%b HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %b\r\n\r\n"
        assert told(await plane.raw(listing % (b"", b"pk-wrong")))[0] == 401
        assert told(await plane.raw(listing % (b"/zzz", b"pk-test")))[0] == 404
        assert told(await plane.raw((listing % (b"", b"")).replace(b"GET", b"PUT")))[0] == 405
        assert told(await plane.raw(b"GET /admin/status HTTP/1.1\r\nhost: x\r\n\r\n"))[0] == 503  # no control process
        assert plane.records() == []

    run(body)


def test_a_slow_sender_and_one_too_many_hear_an_id(run, monkeypatch):
    async def body(plane):
        reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
        writer.write(post()[:-3])
        while not plane.worker._connections:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        (inbound,) = plane.worker._connections
        inbound.check(asyncio.get_running_loop().time() + server.REQUEST_SECONDS + 1)
        assert told(await reader.read())[0] == 408
        writer.close()
        monkeypatch.setattr(server, "CONNECTIONS_MAX", 0)
        assert told(await plane.raw(b"", until_close=True))[0] == 503

    run(body)


def test_a_flood_of_refusals_leaves_a_bounded_number_of_records_and_is_counted(run, monkeypatch):
    monkeypatch.setattr(refusals, "BURST", 5.0)
    monkeypatch.setattr(refusals, "NOBODYS_BURST", 3.0)
    monkeypatch.setattr(refusals, "PER_SECOND", 0.0)
    monkeypatch.setattr(refusals, "NOBODYS_PER_SECOND", 0.0)

    async def body(plane):
        ids = [told(await plane.raw(post(key=f"pk-{i}")))[1] for i in range(20)]
        ids += [told(await plane.raw(post(b"{}")))[1] for _ in range(20)]
        assert len(set(ids)) == 40
        assert [r["request"] for r in plane.records()] == ids[:3] + ids[20:25]
        assert plane.worker.gateway.unrecorded == 32

    run(body)


def test_a_bucket_fills_again_and_forgets_when_there_are_too_many():
    class Clock:
        now = 0.0

        def monotonic(self):
            return self.now

        def wall(self):
            return self.now

    clock = Clock()
    kept = refusals.Refusals(clock)
    assert sum(kept.take("") for _ in range(500)) == refusals.NOBODYS_BURST
    assert kept.take("k1")  # nobody's flood is not hers
    clock.now = 2 / refusals.NOBODYS_PER_SECOND
    assert [kept.take("") for _ in range(3)] == [True, True, False]
    for i in range(refusals.CALLERS_MAX + 5):
        kept.take(f"k{i}")
    assert len(kept._left) <= refusals.CALLERS_MAX
