"""The parts of an outgoing request's address that every cloud builds the same way.

What is signed and what is sent must agree: ``host_of`` is the value of the ``host`` header that
signatures cover, so the client that sends the request uses it too. Names from the estate become
path segments here, percent-encoded, so that none can end a line or climb out of its place.
"""

import re
from functools import lru_cache
from urllib.parse import quote, urlsplit

from polycloud.core.errors import NotFound, Unauthorized

ADDRESSES_MAX = 4096  # distinct addresses and names in one estate; a table of 10,000 deployments repeats them
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NETLOC = re.compile(r"[A-Za-z0-9._~\-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
_PREFIX = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~@:+\-]+)*")


@lru_cache(ADDRESSES_MAX)
def parts_of(base_url: str) -> tuple[str, str]:
    """(value of the host header, path prefix without a trailing slash) of ``base_url``.

    A default port is left out of the host, as the vendors' signers do. Raises NotFound for an address
    that is no plain http or https one.
    """
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError as error:
        raise NotFound(f"{base_url!r} is no address: {error}; correct it in the estate") from error
    prefix = parts.path.rstrip("/")
    if (
        parts.scheme not in _DEFAULT_PORTS
        or not _NETLOC.fullmatch(parts.netloc)
        or not _PREFIX.fullmatch(prefix)
        or parts.query
        or parts.fragment
        or any(c in base_url for c in "\r\n\t")
    ):
        raise NotFound(f"{base_url!r} is no plain http or https address; correct it in the estate")
    host = parts.netloc.lower()
    if port == _DEFAULT_PORTS[parts.scheme]:
        host = host.rpartition(":")[0]
    return host, prefix


def host_of(base_url: str) -> str:
    """The value of the host header for ``base_url``. Raises NotFound for what is no address."""
    return parts_of(base_url)[0]


@lru_cache(ADDRESSES_MAX)
def segment(name: str, safe: str = "") -> str:
    """``name`` as one percent-encoded path segment; ``safe`` are characters left as they are.

    Raises NotFound for a name that can not be a segment: empty, "." or "..".
    """
    if name in ("", ".", ".."):
        raise NotFound(f"{name!r} can not be part of an address; correct the name in the estate")
    return quote(name, safe=safe)


def json_headers(stream: bool, stream_type: str = "text/event-stream") -> dict[str, str]:
    """The headers of a JSON request whose answer is JSON, or a stream of ``stream_type``."""
    return {"content-type": "application/json", "accept": stream_type if stream else "application/json"}


def header_value(secret: str, cloud: str) -> str:
    """``secret``, fit to be part of a header. Raises Unauthorized, without showing it, when it is not."""
    if not secret or not secret.isascii() or "\n" in secret or "\r" in secret or "\0" in secret:
        raise Unauthorized(
            f"the {cloud} credential is empty or holds a line break; give it again in the estate's secrets"
        )
    return secret
