"""The library's streamed answers, from a server that says and breaks off what it is told to."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from polycloud.app.cli.main import run
from polycloud.app.client import Client, NotRunning, Refused, Streamed
from polycloud.core.errors import BadRequest

HEAD = b"HTTP/1.1 %s\r\ncontent-type: text/event-stream\r\nx-polycloud-request: r1\r\nx-polycloud-deployment: d\r\n\r\n"
OPENAI = [
    b'data: {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}\n\n',
    b'data: {"choices": [{"index": 0, "delta": {"content": "one "}}]}\n\n: a comment\n\n',
    b'data: {"choices": [{"index": 0, "delta": {"content": "two"}, "finish_reason": "stop"}], "usage": null}\n\n',
    b'data: {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}\n\n',
    b"data: [DONE]\n\n",
]
ANTHROPIC = [
    b'event: message_start\ndata: {"type": "message_start", "message": {"content": [], '
    b'"usage": {"input_tokens": 3, "output_tokens": 1}}}\n\n',
    b'event: content_block_delta\ndata: {"delta": {"type": "text_delta", "text": "one "}}\n\n',
    b'event: content_block_delta\ndata: {"delta": {"type": "text_delta", "text": "two"}}\n\n',
    b'event: message_delta\ndata: {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}\n\n',
    b'event: message_stop\ndata: {"type": "message_stop"}\n\n',
]
FACES = pytest.mark.parametrize(("anthropic", "events"), [(False, OPENAI), (True, ANTHROPIC)])
closed = threading.Event()


@contextmanager
def server(events: list[bytes], status: bytes = b"200 OK", stay: bool = False) -> Iterator[str]:
    """The address of one that says ``events`` and ends; ``stay``: that waits until its caller hangs up."""
    closed.clear()

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.settimeout(10)
            while not connection.recv(65536).endswith(b"}"):
                pass
            connection.sendall(HEAD % status + b"".join(events))
            if stay and connection.recv(1) == b"":
                closed.set()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve)
        serving.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            serving.join(20)


@contextmanager
def streamed(events: list[bytes], anthropic: bool, status: bytes = b"200 OK", stay: bool = False) -> Iterator[Streamed]:
    with server(events, status, stay) as url, Client(url, key="k").stream("m", "hi", anthropic=anthropic) as stream:
        yield stream


@FACES
def test_pieces_and_then_the_rest(anthropic: bool, events: list[bytes]) -> None:
    with streamed(events, anthropic) as stream:
        assert stream.request == "r1"
        assert next(stream) == "one "
        with pytest.raises(BadRequest, match="not read to its end"):
            _ = stream.answer
        assert list(stream) == ["two"]
        found = stream.answer
    assert (found.text, found.deployment, found.input_tokens, found.output_tokens) == ("one two", "d", 3, 2)


@FACES
@pytest.mark.parametrize("kept", [1, 2, 3, 4])
def test_what_breaks_off_is_no_answer(anthropic: bool, events: list[bytes], kept: int) -> None:
    with streamed(events[:kept], anthropic) as stream:
        with pytest.raises(NotRunning, match="broke off"):
            list(stream)
        with pytest.raises(BadRequest):
            _ = stream.answer


@FACES
def test_half_an_event_is_no_answer_either(anthropic: bool, events: list[bytes]) -> None:
    with streamed([events[0], events[1][:40]], anthropic) as stream, pytest.raises(NotRunning, match="broke off"):
        list(stream)


@FACES
def test_an_error_inside_is_told(anthropic: bool, events: list[bytes]) -> None:
    error = b'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error", "message": "too busy"}}\n\n'
    with streamed([*events[:2], error], anthropic) as stream:
        assert next(stream) == "one "
        with pytest.raises(Refused, match="too busy"):
            next(stream)


def test_what_json_has_no_word_for_is_not_sent() -> None:
    with pytest.raises(BadRequest, match="can not be sent"):
        Client("http://127.0.0.1:9").explain({"input_tokens": float("nan")})


def test_a_refusal_is_told_at_once() -> None:
    error = [b'{"error": {"message": "no such model"}}']
    with pytest.raises(Refused, match="no such model") as caught, streamed(error, False, b"404 Not Found"):
        pass
    assert caught.value.answer_status == 404


@FACES
def test_who_leaves_early_hangs_up(anthropic: bool, events: list[bytes]) -> None:
    with streamed(events[:2], anthropic, stay=True) as stream:
        assert next(stream) == "one "
        stream.close()
        assert closed.wait(10)
        assert list(stream) == []


@FACES
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_the_command_takes_no_part_for_the_whole(
    anthropic: bool, events: list[bytes], form: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["call", "m", "hi", "--stream", "--key", "k", *form, *(["--anthropic"] if anthropic else [])]
    error = b'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error", "message": "too busy"}}\n\n'
    for said, text, code in (
        (events, "one two", 0),
        (events[:3], "one two", 3),
        ([*events[:2], events[2][:40]], "one ", 3),
        ([*events[:2], error], "one ", 1),
    ):
        with server(said) as url:
            assert run([*asked, "--url", url]) == code
        shown = capsys.readouterr().out
        assert form or shown == text + "\n"
