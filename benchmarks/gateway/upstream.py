"""The upstream: one fast process that answers as a model server would, so that it is never the bottleneck.

    python upstream.py PORT

It speaks OpenAI chat completions, Bedrock Converse and Gemini, each whole, as a burst and paced.
Responses are made once at start; a request is only parsed far enough to choose one.
"""

import asyncio
import os
import sys
from typing import cast

import httptools
import uvloop
import wires
import work

_TOKEN = work.UPSTREAM_TOKEN.encode()
_PACED = work.MODEL_PACED.encode()


def _whole(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _pieces(events: list[bytes], kind: str) -> list[bytes]:
    """Each event as one HTTP chunk; the first with the head, the last with the end."""
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
    found = [b"%x\r\n%b\r\n" % (len(event), event) for event in events]
    found[-2:] = [found[-2] + found[-1] + b"0\r\n\r\n"]
    return [head + found[0], *found[1:]]


EVENTS, FRAMES = "text/event-stream", "application/vnd.amazon.eventstream"
OPENAI = (_whole(work.openai_reply()), _pieces(work.openai_events(), EVENTS))
BEDROCK = (_whole(wires.bedrock_reply()), _pieces(wires.bedrock_events(), FRAMES))
GEMINI = (_whole(wires.gemini_reply()), _pieces(wires.gemini_events(), EVENTS))
BURSTS = {id(answer): b"".join(answer[1]) for answer in (OPENAI, BEDROCK, GEMINI)}
REFUSED = b"HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: 27\r\n\r\n"
REFUSED += b'{"error":{"message":"key"}}'
MODELS = b'{"object":"list","data":[{"id":"bench","object":"model"},{"id":"bench-paced","object":"model"}]}'


class Upstream(asyncio.Protocol):
    """One connection of a gateway."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._loop = asyncio.get_running_loop()
        self._url = self._body = b""
        self._trusted = False
        self._gone = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone = True

    def data_received(self, data: bytes) -> None:
        self._trusted = self._trusted or _TOKEN in data
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        url, body, trusted = self._url, self._body, self._trusted
        self._url, self._body, self._trusted = b"", b"", False
        if self._parser.get_method() == b"GET":  # health checks
            self._transport.write(_whole(MODELS))
        elif not trusted:
            self._transport.write(REFUSED)
        elif b"onverse" in url:
            self._answer(BEDROCK, b"stream" in url, _PACED in url)
        elif b"enerateContent" in url:
            self._answer(GEMINI, b"stream" in url, _PACED in url)
        else:
            self._answer(OPENAI, b'"stream":true' in body or b'"stream": true' in body, _PACED in body)

    def _answer(self, answer: tuple[bytes, list[bytes]], stream: bool, paced: bool) -> None:
        if not stream:
            self._transport.write(answer[0])
        elif not paced:
            self._transport.write(BURSTS[id(answer)])
        else:
            self._next(answer[1], 0, self._loop.time())

    def _next(self, pieces: list[bytes], index: int, begun: float) -> None:
        if self._gone:
            return
        self._transport.write(pieces[index])
        index += 1
        if index < len(pieces):
            self._loop.call_at(begun + index * work.PACE_SECONDS, self._next, pieces, index, begun)


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port, backlog=4096)
    parent = os.getppid()
    while os.getppid() == parent:  # an upstream whose benchmark was killed ends too
        await asyncio.sleep(1)
    server.close()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
