"""How the gateway speaks to models: a Dialect knows a wire format, a ModelPort knows a cloud.

Both are free of I/O: bytes in, values out, and back. The gateway owns the sockets.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from polycloud.core.chat import ChatEvent, ChatReply, ChatRequest, Finish
from polycloud.core.errors import CloudError, PolycloudError
from polycloud.core.usage import Usage

NO_HEADERS: Mapping[bytes, bytes] = {}


class StreamReader(Protocol):
    """Reads one streamed answer. State of one attempt; splitting the bytes anywhere changes nothing."""

    def feed(self, data: bytes) -> list[ChatEvent]:
        """Events that ``data`` completes. Raises BrokenStream on a frame that can not be read."""
        ...


class StreamWriter(Protocol):
    """Writes one streamed answer in a caller's dialect. State of one answer."""

    def write(self, events: list[ChatEvent]) -> bytes:
        """Bytes for the caller; ``Ended`` writes the dialect's own terminal mark."""
        ...

    def fail(self, error: PolycloudError) -> bytes:
        """The in-band error that ends a stream which can not be completed; no terminal mark follows."""
        ...


class Dialect(Protocol):
    """A wire format as providers speak it."""

    name: str
    request_content_type: str
    stream_content_type: str

    def write_request(self, request: ChatRequest, model: str, called: str = "") -> bytes:
        """The body that asks a provider for ``model``, by the name that it is ``called`` there. Raises Unsupported for
        a part the format can not carry."""
        ...

    def dropped(self, request: ChatRequest, model: str) -> tuple[str, ...]:
        """Names of fields that ``write_request`` leaves out or changes in meaning (for ``x-polycloud-degraded``)."""
        ...

    def read_reply(self, body: bytes) -> ChatReply:
        """Raises BrokenStream when ``body`` is no complete answer of this format, ContentFiltered when the
        provider answered 200 but blocked the prompt."""
        ...

    def stream_reader(self) -> StreamReader: ...


class Envelope(msgspec.Struct):
    """The outside of a caller's request: enough to route it, without reading its messages.

    ``fields`` are the body's top-level members as raw JSON, in order, for pass-through.
    ``needs`` is a set of ``Need`` bits;
    ``input_tokens`` is an estimate (bytes / 4), ``max_tokens`` None when not given. ``left`` names what passing the
    body through leaves out of it. ``at_odds``: it holds what OpenAI's own models refuse, and what others may take; for
    those it is written anew.
    """

    model: str
    stream: bool
    needs: int
    input_tokens: int
    max_tokens: int | None
    fields: dict[str, msgspec.Raw]
    include_usage: bool = False
    left: tuple[str, ...] = ()
    at_odds: bool = False


class Tap(Protocol):
    """Watches an answer that passes through in the caller's own dialect; only what metering needs.

    Attributes hold what was seen so far. ``content`` turns true with the first content event,
    ``ended`` with the protocol's terminal mark, ``failed`` holds an in-stream error.
    """

    content: bool
    ended: bool
    failed: str
    usage: Usage | None
    finish: Finish | None

    def alike(self, data: bytes, before: int = 0, behind: int = 0) -> bool:
        """Whether ``data``, but for so many bytes before and behind, is one whole frame that differs from one read
        before in its text alone: it may be forwarded as it is, unread."""
        ...

    def feed(self, data: bytes) -> bytes:
        """Bytes to forward for ``data``: whole frames only, the rest is kept until it is complete.
        Raises BrokenStream on a frame that can not be read or over the bound."""
        ...


class Face(Protocol):
    """A wire format as callers speak it, over the same dialect name as its provider form.

    ``id_header`` is the response header in which its official clients look for the request's id.
    """

    name: str
    id_header: bytes

    def peek(self, body: bytes, headers: Mapping[bytes, bytes] = NO_HEADERS) -> Envelope:
        """``headers``: those of the request, as some formats say a part of it there. Raises BadRequest with the
        caller's mistake: not JSON, wrong type, missing field."""
        ...

    def read_request(self, envelope: Envelope) -> ChatRequest:
        """Raises BadRequest."""
        ...

    def pass_request(
        self,
        envelope: Envelope,
        model: str,
        output_max: int = 0,
        *,
        bare: bool = False,
        unsampled: bool = False,
        known: str = "",
    ) -> bytes:
        """The body for a provider of the same dialect: the name that the model is called by set, usage asked for, the
        rest as it came. ``output_max``: what the bound on tokens is lowered to, 0 when it stays; a thinking budget that
        it does not leave room for becomes half of it. ``bare``: without prompt-cache markers; ``unsampled``: without
        temperature and top-p. ``known``: the model's own name, where it is called by another."""
        ...

    def pass_reply(self, body: bytes) -> tuple[Usage | None, Finish | None]:
        """What metering needs from a whole same-dialect answer. Raises BrokenStream when it is not one."""
        ...

    def tap(self, envelope: Envelope) -> Tap: ...

    def write_reply(self, reply: ChatReply, model: str, created: int) -> bytes: ...

    def stream_writer(self, model: str, reply_id: str, created: int, include_usage: bool) -> StreamWriter: ...

    def write_error(self, error: PolycloudError, request_id: str) -> bytes: ...

    def write_models(self, models: list[tuple[str, str]], created: int) -> bytes:
        """The models list; each entry is (name, owner)."""
        ...

    def write_model(self, model: tuple[str, str], created: int) -> bytes:
        """One entry of the models list."""
        ...

    def keep_alive(self) -> bytes:
        """A comment or ping that callers ignore, sent while a model thinks."""
        ...


class Credential(msgspec.Struct, frozen=True):
    """What a worker needs to sign: short-lived, held in memory only, never printed.

    ``kind`` and the keys of ``fields`` by cloud: ``none`` {} · ``bearer`` {token} · ``api_key``
    {key} · ``aws`` {access_key, secret_key, session_token} · ``oci`` {tenancy, user, fingerprint,
    private_key (PEM)}, or {security_token, private_key} for a session. ``expires_at`` in Unix seconds, 0 for never.
    """

    kind: str
    fields: dict[str, str] = {}
    expires_at: float = 0.0
    version: int = 0

    def __repr__(self) -> str:
        return f"Credential(kind={self.kind!r}, version={self.version})"


class Upstream(msgspec.Struct, frozen=True):
    """Where a deployment is reached, as plain facts from the estate; ``base_url`` has no trailing slash. ``known`` is
    the model's own name where ``model``, the one that it is called by, is a name that people chose."""

    cloud: str
    region: str
    base_url: str
    model: str
    dialect: str
    options: dict[str, str] = {}
    known: str = ""


class ModelPort(Protocol):
    """How one cloud carries a dialect: path, headers, signature, errors."""

    def path(self, upstream: Upstream, stream: bool) -> str:
        """Path and query of the chat call, percent-encoded as the cloud wants it."""
        ...

    def headers(self, upstream: Upstream, stream: bool) -> dict[str, str]:
        """Headers that never change for this upstream (content-type, accept, versions); no host, no length."""
        ...

    def authorize(
        self, upstream: Upstream, path: str, body: bytes, credential: Credential, now: float
    ) -> dict[str, str]:
        """Headers that prove who asks, ``now`` in Unix seconds. Raises Unauthorized when the credential's
        kind does not fit this cloud."""
        ...

    def stable_authorization(self, credential: Credential) -> bool:
        """Whether ``authorize`` depends on nothing but the credential, so that it may be kept."""
        ...

    def told_headers(self, upstream: Upstream, body: bytes) -> dict[str, str]:
        """Headers for what the dialect's body says and this cloud reads there; mostly none. Asked before
        ``finish_body``."""
        ...

    def finish_body(self, upstream: Upstream, body: bytes) -> bytes:
        """The body as this cloud wants the dialect's body (a wrapper, a version field); mostly unchanged."""
        ...

    def classify(self, upstream: Upstream, status: int, headers: dict[str, str], body: bytes) -> CloudError:
        """The provider's error in common terms. ``headers`` have lower-case names."""
        ...

    def evidence(self, headers: Mapping[str, str]) -> tuple[str, str]:
        """(region that the provider says it processed in, the provider's request id); "" where it does not say."""
        ...
