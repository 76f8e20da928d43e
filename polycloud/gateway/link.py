"""The messages between the control process and its workers, over a local socket.

A frame is a big-endian u32 length and that many bytes of msgpack. The control process pushes whole
values; a worker keeps the last of each and goes on serving when the socket is gone. Secrets travel
only here, never through a file.
"""

from types import UnionType

import msgspec

from polycloud.core.ports.models import Credential
from polycloud.policy.overlay import Overlay
from polycloud.policy.tables import Principal

FRAME_BYTES_MAX = 64 * 1024 * 1024  # a table of 10,000 deployments is about 6 MB


class SetTables(msgspec.Struct, frozen=True, tag="tables"):
    """``data`` is ``policy.tables.encode(tables)``."""

    data: bytes


class SetOverlay(msgspec.Struct, frozen=True, tag="overlay"):
    overlay: Overlay


class SetKeys(msgspec.Struct, frozen=True, tag="keys"):
    """All keys in force; one that is missing is revoked. ``version`` only grows."""

    version: int
    keys: tuple[Principal, ...]


class SetCredentials(msgspec.Struct, frozen=True, tag="credentials"):
    """By credential name. One that is missing stays as it is while tables name it: a control process that has just
    begun, or whose source of one is away, takes none back."""

    credentials: dict[str, Credential]


class SetHealth(msgspec.Struct, frozen=True, tag="health"):
    """Deployments that active checks find unreachable."""

    down: tuple[str, ...]


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    worker: str
    pid: int
    journal: str


class Applied(msgspec.Struct, frozen=True, tag="applied"):
    """``what`` is the tag of the message that took effect, ``version`` its version as text."""

    worker: str
    what: str
    version: str
    error: str = ""


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """Once a second: what only the worker knows. ``breakers`` by deployment id: closed ones are left out.
    ``unrecorded``: refusals that the journal does not show; ``unwritten``: why records wait in memory, "" when they do
    not."""

    worker: str
    in_flight: int
    connections: int
    breakers: dict[str, str]
    requests: int
    unrecorded: int = 0
    unwritten: str = ""


ToWorker = SetTables | SetOverlay | SetKeys | SetCredentials | SetHealth
ToControl = Hello | Applied | Beat


def frame(message: ToWorker | ToControl) -> bytes:
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(4, "big") + body


class Frames:
    """Cuts a byte stream into messages of one direction. Raises ValueError on a frame over the bound."""

    def __init__(self, kind: type | UnionType) -> None:
        self._decoder: msgspec.msgpack.Decoder[object] = msgspec.msgpack.Decoder(kind)
        self._kept = bytearray()

    def feed(self, data: bytes) -> list[object]:
        self._kept += data
        found: list[object] = []
        while len(self._kept) >= 4:
            length = int.from_bytes(self._kept[:4], "big")
            if length > FRAME_BYTES_MAX:
                raise ValueError(f"frame of {length} bytes is over {FRAME_BYTES_MAX}")
            if len(self._kept) < 4 + length:
                break
            found.append(self._decoder.decode(bytes(self._kept[4 : 4 + length])))
            del self._kept[: 4 + length]
        return found
