"""HTTP from callers: what is read, what is refused, and that no answer meets another's request."""

import asyncio
import json
import re
import tracemalloc

import pytest

from polycloud.gateway import server
from polycloud.gateway.server import Connections, Inbound, head


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closing = self.aborted = self.paused = False

    def write(self, data):
        assert not self.closing
        self.sent += data

    def is_closing(self):
        return self.closing

    def pause_reading(self):
        assert not self.paused
        self.paused = True

    def resume_reading(self):
        assert self.paused and not self.closing
        self.paused = False

    def close(self):
        self.closing = True

    def abort(self):
        self.closing = self.aborted = True


class Answer:
    """What answers a request; the test says when."""

    def __init__(self, inbound, request):
        self.inbound, self.request = inbound, request
        self.gone, self.slow = 0, []

    def caller_gone(self):
        self.gone += 1

    def caller_slow(self, slow):
        self.slow.append(slow)

    def reply(self, body=b"ok"):
        self.inbound.send(head(200, b"", len(body), keep_alive=self.request.keep_alive) + body)
        self.inbound.finish()


class Caller:
    def __init__(self, clock):
        self.answers = []
        self.connections = Connections()
        self.clock = clock
        self.transport = Transport()
        self.inbound = Inbound(self.begin, self.connections, clock.monotonic)
        self.inbound.connection_made(self.transport)

    def begin(self, inbound, request):
        self.answers.append(Answer(inbound, request))
        return self.answers[-1]

    def send(self, data):
        self.inbound.data_received(data)

    @property
    def status(self):
        return int(self.transport.sent.split(b" ", 2)[1]) if self.transport.sent else 0


@pytest.fixture
def caller(clock):
    return Caller(clock)


def post(body=b"", headers=b"", version=b"1.1"):
    return b"POST /v1/x?y=1 HTTP/%b\r\nhost: h\r\n%bcontent-length: %d\r\n\r\n%b" % (version, headers, len(body), body)


def test_a_request_split_anywhere_reads_the_same(clock):
    data = post(b'{"a":1}', b"X-Api-Key: k\r\n")
    for cut in range(1, len(data)):
        caller = Caller(clock)
        caller.send(data[:cut])
        assert caller.answers == []
        caller.send(data[cut:])
        (answer,) = caller.answers
        request = answer.request
        assert (request.method, request.path, request.target) == (b"POST", b"/v1/x", b"/v1/x?y=1")
        assert request.headers[b"x-api-key"] == b"k" and request.body == b'{"a":1}' and request.keep_alive


def test_a_list_in_two_lines_is_one_list(caller):
    caller.send(post(b"1", b"anthropic-beta: a\r\nAnthropic-Beta: b,c\r\n"))
    assert caller.answers[0].request.headers[b"anthropic-beta"] == b"a, b,c"


def test_pipelined_requests_are_begun_one_after_another(caller):
    caller.send(post(b"1") + post(b"2") + post(b"3"))
    for number in (1, 2, 3):
        assert [a.request.body for a in caller.answers] == [b"%d" % n for n in range(1, number + 1)]
        caller.answers[-1].reply(b"%d" % number)
    assert caller.transport.sent.count(b"HTTP/1.1 200") == 3 and not caller.transport.closing


def test_an_answer_given_at_once_does_not_take_the_place_of_the_next(clock):
    caller = Caller(clock)

    def begin(inbound, request):
        answer = Answer(inbound, request)
        caller.answers.append(answer)
        if request.body == b"now":
            answer.reply()
            return None
        return answer

    caller.inbound._application = begin
    caller.send(post(b"now") + post(b"later"))
    assert caller.inbound.busy
    caller.inbound.connection_lost(None)
    assert caller.answers[1].gone == 1


def test_a_caller_who_hangs_up_is_told_once_to_the_answer_under_way(caller):
    caller.send(post(b"1") + post(b"2"))
    caller.inbound.connection_lost(None)
    assert [a.gone for a in caller.answers] == [1] and not caller.connections
    caller.answers[0].inbound.finish()
    assert len(caller.answers) == 1 and caller.connections.body_bytes == 0


@pytest.mark.parametrize(
    ("version", "more"), [(b"1.0", b""), (b"1.0", b"connection: keep-alive\r\n"), (b"1.1", b"connection: close\r\n")]
)
def test_who_does_not_keep_the_connection_has_it_closed(caller, version, more):
    caller.send(post(b"1", more, version))
    caller.answers[0].reply()
    assert caller.transport.closing and b"connection: close" in caller.transport.sent


REFUSED = {
    "length and chunked": (400, post(b"", b"transfer-encoding: chunked\r\n")),
    "two lengths": (400, post(b"", b"content-length: 0\r\n")),
    "two keys": (400, post(b"", b"x-api-key: a\r\nX-Api-Key: b\r\n")),
    "two classes": (400, post(b"", b"x-polycloud-class: a\r\nx-polycloud-class: b\r\n")),
    "another coding": (400, b"POST / HTTP/1.1\r\ntransfer-encoding: gzip, chunked\r\n\r\n"),
    "two codings": (400, b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n"),
    "folded": (400, b"POST / HTTP/1.1\r\na: b\r\n c: d\r\n\r\n"),
    "space before colon": (400, b"POST / HTTP/1.1\r\na : b\r\n\r\n"),
    "negative length": (400, b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n"),
    "no host": (400, b"POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n"),
    "unknown expectation": (400, post(b"", b"expect: a miracle\r\n")),
    "huge": (413, b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % (server.BODY_BYTES_MAX + 1)),
    "long target": (431, b"GET /" + b"a" * server.TARGET_BYTES_MAX + b" HTTP/1.1\r\n\r\n"),
    "many headers": (431, b"GET / HTTP/1.1\r\n" + b"".join(b"x%d: y\r\n" % n for n in range(101)) + b"\r\n"),
    "HTTP/2 without being asked": (505, b"GET / HTTP/2.0\r\nhost: h\r\n\r\n"),
    "HTTP/2 that would stay": (505, b"GET / HTTP/2.0\r\nhost: h\r\nconnection: keep-alive\r\n\r\n"),
    "HTTP/0.9": (505, b"GET / HTTP/0.9\r\nhost: h\r\n\r\n"),
    "HTTP/1.2": (400, b"GET / HTTP/1.2\r\nhost: h\r\n\r\n"),
    "the preface of HTTP/2": (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "large headers": (431, b"GET / HTTP/1.1\r\nx: " + b"y" * server.HEADER_BYTES_MAX + b"\r\n\r\n"),
}


@pytest.mark.parametrize(("status", "data"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_gets_one_answer_and_a_close(caller, status, data):
    caller.send(data)
    caller.send(post(b"smuggled"))
    assert caller.status == status and caller.transport.closing
    assert caller.transport.sent.count(b"connection: close\r\n\r\n") == 1 and caller.answers == []


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (b"x-api-key: a\r\nx-api-key: b\r\n", "bad_request"),
        (b"content-length: %d\r\n" % (server.BODY_BYTES_MAX + 1), "too_large"),
        (b"x: " + b"y" * server.HEADER_BYTES_MAX + b"\r\n", "bad_request"),
    ],
)
@pytest.mark.parametrize(
    ("target", "anthropic"),
    [
        (b"/v1/messages", True),
        (b"/v1/messages?beta=true", True),
        (b"http://h/v1/messages", True),
        (b"/v1/messages/count_tokens", True),
        (b"/v1/chat/completions", False),
        (b"/v1/messages-of-others", False),
    ],
)
def test_a_refusal_is_in_the_form_of_its_path(caller, target, anthropic, more, code):
    caller.send(b"POST %b HTTP/1.1\r\nhost: h\r\n%b\r\n" % (target, more))
    body = json.loads(caller.transport.sent.partition(b"\r\n\r\n")[2])
    said = {"type": "request_too_large" if anthropic and code == "too_large" else "invalid_request_error", "code": code}
    assert body.get("type") == ("error" if anthropic else None)
    assert body["error"].pop("message")
    assert body["error"] == (said if anthropic else {**said, "param": None})


def test_an_upgrade_is_not_made_and_nothing_behind_it_is_read(caller):
    caller.send(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n" + post(b"smuggled"))
    assert caller.answers == []
    assert caller.transport.sent.startswith(b"HTTP/1.1 400 ") and caller.transport.closing


OFFER = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQ\r\n"


@pytest.mark.parametrize("cut", [0, 20, 60, 150, 190, 230])
@pytest.mark.parametrize(
    "body", [b"content-length: 4\r\n\r\nbody", b"transfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"]
)
def test_an_offer_of_http2_is_passed_over_and_its_body_read(caller, cut, body):
    data = b"POST /v1/x?y HTTP/1.1\r\nhost: h\r\nx-a: b\r\nexpect: 100-continue\r\n" + OFFER + body + post(b"next")
    caller.send(data[:cut])
    caller.send(data[cut:])
    assert [a.request.body for a in caller.answers] == [b"body"]
    request = caller.answers[0].request
    assert (request.target, request.headers[b"x-a"], request.keep_alive) == (b"/v1/x?y", b"b", True)
    assert caller.transport.sent == b"HTTP/1.1 100 Continue\r\n\r\n"
    caller.answers[0].reply()
    assert caller.answers[1].request.body == b"next"


def test_an_offer_of_http2_in_the_last_request_of_a_connection_leaves_it_the_last(caller):
    caller.send(b"GET / HTTP/1.1\r\nhost: h\r\n" + OFFER.replace(b": Upgrade", b": close, Upgrade") + b"\r\n")
    assert caller.answers[0].request.keep_alive is False


def test_no_connection_is_opened_through_it(caller):
    caller.send(b"CONNECT a:443 HTTP/1.1\r\nhost: h\r\n\r\n")
    assert caller.transport.sent.startswith(b"HTTP/1.1 400 ") and caller.transport.closing


def test_trailers_change_nothing_that_the_headers_said(caller):
    caller.send(
        b"POST / HTTP/1.1\r\nhost: h\r\nx-api-key: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"
        b"x-api-key: b\r\nx-polycloud-class: open\r\n\r\n"
    )
    (answer,) = caller.answers
    assert answer.request.headers[b"x-api-key"] == b"a" and b"x-polycloud-class" not in answer.request.headers


def statuses(caller):
    return [int(code) for code in re.findall(rb"HTTP/1.1 (\d{3}) ", caller.transport.sent)]


def test_garbage_behind_requests_is_told_after_their_answers(caller):
    caller.send(post(b"1") + post(b"2") + b"GARBAGE\r\n\r\n")
    caller.send(post(b"smuggled"))
    assert caller.transport.sent == b"" and not caller.transport.closing
    caller.answers[0].reply()
    assert statuses(caller) == [200] and not caller.transport.closing
    caller.answers[1].reply()
    assert statuses(caller) == [200, 200, 400] and caller.transport.closing and len(caller.answers) == 2


@pytest.mark.parametrize("body", [b"1", b"x" * (server.PIPELINED_BYTES_MAX // 4)])
def test_no_more_is_read_while_many_requests_or_bytes_wait(caller, body):
    sent = server.PIPELINED_MAX + 5
    for _ in range(sent):
        caller.send(post(body))
        if caller.transport.paused:
            break
    for number in range(sent):
        assert len(caller.inbound._waiting) <= server.PIPELINED_MAX
        caller.answers[number].reply()
        while not caller.transport.paused and len(caller.answers) + len(caller.inbound._waiting) < sent:
            caller.send(post(body))
    assert statuses(caller) == [200] * sent and not caller.transport.closing and not caller.transport.paused
    assert caller.connections.body_bytes == 0


def test_many_requests_of_one_read_are_all_answered_up_to_a_bound(clock):
    for more, told in ((0, []), (1, [429])):
        caller = Caller(clock)
        caller.send(post(b"1") * (1 + server.PIPELINED_READ_MAX + more))
        assert caller.transport.paused and len(caller.answers) == 1

        def at_once(inbound, request, caller=caller):
            Answer(inbound, request).reply()

        caller.inbound._application = at_once
        caller.answers[0].reply()
        assert statuses(caller) == [200] * (1 + server.PIPELINED_READ_MAX) + told
        assert caller.transport.closing == bool(told)
        caller.inbound.connection_lost(None)
        assert caller.connections.body_bytes == 0


def test_a_large_body_behind_a_request_is_read_on_when_its_turn_comes(caller):
    large = post(b"x" * (3 * server.PIPELINED_BYTES_MAX))
    caller.send(post(b"1") + large[: 2 * server.PIPELINED_BYTES_MAX])
    assert caller.transport.paused
    caller.answers[0].reply()
    assert not caller.transport.paused
    caller.send(large[2 * server.PIPELINED_BYTES_MAX :])
    caller.answers[1].reply()
    assert statuses(caller) == [200, 200]


def test_bodies_of_all_callers_together_are_bounded(caller, monkeypatch):
    monkeypatch.setattr(server, "BODIES_BYTES_MAX", 1000)
    caller.send(post(b"x" * 600))
    other = Inbound(caller.begin, caller.connections, caller.clock.monotonic)
    other.connection_made(Transport())
    other.data_received(post(b"y" * 600))
    assert other.transport.sent.startswith(b"HTTP/1.1 503") and other.transport.closing
    other.connection_lost(None)
    caller.answers[0].reply()
    assert caller.connections.body_bytes == 0
    caller.send(post(b"x" * 900))
    assert len(caller.answers) == 2


def test_a_chunked_body_over_the_bound_is_not_kept(caller, monkeypatch):
    monkeypatch.setattr(server, "BODY_BYTES_MAX", 1 << 20)
    caller.send(b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n")
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    tracemalloc.start()
    for _ in range(200):
        caller.send(piece)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caller.status == 413 and size < 4 << 20


def test_a_caller_who_has_not_taken_an_answer_gets_no_other(caller):
    caller.send(post(b"1") + post(b"2"))
    caller.inbound.pause_writing()
    caller.answers[0].reply()
    caller.send(post(b"3"))
    assert caller.answers[0].slow == [True] and len(caller.answers) == 1
    caller.inbound.resume_writing()
    assert [answer.request.body for answer in caller.answers] == [b"1", b"2"] and caller.answers[1].slow == []
    caller.answers[1].reply()
    caller.answers[2].reply()
    assert caller.transport.sent.count(b"200 OK") == 3 and caller.connections.body_bytes == 0


def test_what_waits_for_a_slow_caller_is_bounded_and_ends_with_the_connection(clock):
    caller = Caller(clock)
    caller.send(post(b"1"))
    caller.inbound.pause_writing()
    caller.answers[0].reply()
    sent = caller.transport.sent
    caller.send(post(b"2" * 100) + post(b"", b"expect: 100-continue\r\n"))
    assert caller.transport.sent == sent  # no word to a later request before the answer to an earlier one
    caller.send(post(b"x" * (server.PIPELINED_BYTES_MAX + 1)))
    assert caller.transport.sent == sent and caller.transport.paused
    caller.inbound.resume_writing()
    assert len(caller.answers) == 2 and caller.transport.paused
    caller.inbound.connection_lost(None)
    assert len(caller.answers) == 2 and caller.connections.body_bytes == 0


def test_who_never_takes_an_answer_is_let_go(caller):
    caller.send(post(b"1") + post(b"2"))
    caller.inbound.pause_writing()
    caller.answers[0].reply()
    caller.clock.now += server.KEEP_ALIVE_SECONDS + 1
    caller.inbound.check(caller.clock.now)
    assert caller.transport.closing and not caller.transport.aborted
    caller.clock.now += server.LINGER_SECONDS + 1
    caller.inbound.check(caller.clock.now)
    assert caller.transport.aborted and len(caller.answers) == 1


def test_a_slow_sender_is_let_go_and_an_idle_one_closed(caller):
    caller.send(b"POST / HTTP/1.1\r\n")
    caller.clock.now += server.REQUEST_SECONDS - 1
    caller.inbound.check(caller.clock.now)
    assert not caller.transport.closing
    caller.clock.now += 2
    caller.inbound.check(caller.clock.now)
    assert caller.status == 408 and caller.transport.closing

    idle = Caller(caller.clock)
    idle.send(post(b"1"))
    idle.clock.now += 1000  # an answer may take its time
    idle.inbound.check(idle.clock.now)
    assert not idle.transport.closing
    idle.answers[0].reply()
    sent = idle.transport.sent
    idle.clock.now += server.KEEP_ALIVE_SECONDS + 1
    idle.inbound.check(idle.clock.now)
    assert idle.transport.closing and idle.transport.sent == sent


def test_who_does_not_take_the_last_bytes_is_cut_off(caller):
    caller.send(post(b"1", b"connection: close\r\n"))
    caller.answers[0].reply()
    assert caller.transport.closing and caller.inbound in caller.connections
    caller.clock.now += server.LINGER_SECONDS - 1
    caller.inbound.check(caller.clock.now)
    assert not caller.transport.aborted
    caller.clock.now += 2
    caller.inbound.check(caller.clock.now)
    assert caller.transport.aborted


def test_connections_are_bounded(caller, monkeypatch):
    monkeypatch.setattr(server, "CONNECTIONS_MAX", 1)
    other = Inbound(caller.begin, caller.connections, caller.clock.monotonic)
    other.connection_made(Transport())
    assert other.transport.sent.startswith(b"HTTP/1.1 503") and other.transport.closing
    other.data_received(post(b"1"))
    assert caller.answers == [] and len(caller.connections) == 1


def test_a_bug_in_the_application_is_a_500_and_is_reported(clock):
    async def body():
        seen = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: seen.append(context["exception"]))
        caller = Caller(clock)

        def broken(inbound, request):
            raise LookupError("a bug")

        caller.inbound._application = broken
        caller.send(post(b"1"))
        assert caller.status == 500 and caller.transport.closing and not caller.inbound.busy
        assert [type(e) for e in seen] == [LookupError]

    asyncio.run(body())


def test_100_continue_is_said_before_the_body(caller):
    caller.send(b"POST / HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
    assert caller.transport.sent == b"HTTP/1.1 100 Continue\r\n\r\n"
    caller.send(b"hi")
    assert caller.answers[0].request.body == b"hi"


def test_an_empty_chunk_is_none():
    assert server.chunk(b"") == b"" and server.chunk(b"ab") == b"2\r\nab\r\n"


def test_the_last_answer_of_a_stopping_worker_closes(caller):
    idle = Caller(caller.clock)
    idle.inbound.last()
    assert idle.transport.closing
    caller.send(post(b"1"))
    caller.inbound.last()
    assert not caller.transport.closing
    caller.answers[0].reply()
    assert caller.transport.closing and b"connection: close" in caller.transport.sent


@pytest.mark.parametrize(
    ("target", "read"),
    [
        (b"http://gateway:8080/v1/models?a=http://x/", b"/v1/models?a=http://x/"),
        (b"HTTPS://gateway/v1/chat/completions", b"/v1/chat/completions"),
        (b"http://gateway", b"/"),
        (b"http://gateway?a=1", b"/?a=1"),
        (b"/http://x/", b"/http://x/"),
        (b"*", b"*"),
    ],
)
def test_a_target_in_absolute_form_is_read_as_its_path(caller, target, read):
    method = b"OPTIONS" if target == b"*" else b"GET"
    caller.send(b"%b %b HTTP/1.1\r\nhost: h\r\n\r\n" % (method, target))
    assert caller.answers[0].request.target == read
    assert caller.answers[0].request.path == read.partition(b"?")[0]


@pytest.mark.parametrize(
    ("version", "connection", "http10", "keep_alive"),
    [
        (b"1.1", b"", False, True),
        (b"1.1", b"connection: close\r\n", False, False),
        (b"1.1", b"connection: keep-alive\r\n", False, True),
        (b"1.0", b"", True, False),
        (b"1.0", b"connection: keep-alive\r\n", True, False),
    ],
)
def test_the_version_and_the_connection_header_say_whether_it_stays(caller, version, connection, http10, keep_alive):
    caller.send(post(b"x", connection, version))
    request = caller.answers[0].request
    assert (request.http10, request.keep_alive) == (http10, keep_alive)
