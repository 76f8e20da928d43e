"""An encoder of AWS event stream frames, written from the format's description and not from the decoder."""

import json
import zlib
from collections.abc import Callable

import pytest


def header(name: str, value: str) -> bytes:
    raw = value.encode()
    return bytes([len(name)]) + name.encode() + b"\x07" + len(raw).to_bytes(2, "big") + raw


def encode(headers: bytes, payload: bytes) -> bytes:
    total = 16 + len(headers) + len(payload)
    prelude = total.to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    message = prelude + zlib.crc32(prelude).to_bytes(4, "big") + headers + payload
    return message + zlib.crc32(message).to_bytes(4, "big")


def aws_event(name: str, body: object, kind: str = "event") -> bytes:
    typed = header(":exception-type" if kind == "exception" else ":event-type", name)
    headers = typed + header(":content-type", "application/json") + header(":message-type", kind)
    return encode(headers, json.dumps(body).encode())


@pytest.fixture
def aws_frame() -> Callable[..., bytes]:
    return aws_event


@pytest.fixture
def raw_frame() -> Callable[[bytes, bytes], bytes]:
    return encode
