"""Keys as workers know them: digests, looked up in one step."""

import hashlib
from collections.abc import Iterable, Mapping

from polycloud.core.clock import Clock
from polycloud.core.errors import KeyRefused
from polycloud.policy.tables import Principal


def bearer(headers: Mapping[bytes, bytes]) -> bytes:
    """The key that a caller shows, in any of the ways that SDKs send one. Raises KeyRefused."""
    found, other = headers.get(b"x-api-key", b""), headers.get(b"api-key", b"")
    if found and other and found != other:
        raise KeyRefused("two different keys were sent; send one")
    found = found or other
    authorization = headers.get(b"authorization")
    if authorization:
        scheme, _, token = authorization.partition(b" ")
        token = token.strip()
        if scheme.lower() != b"bearer" or not token:
            raise KeyRefused("the authorization header must be 'Bearer <key>'")
        if found and found != token:
            raise KeyRefused("two different keys were sent; send one")
        return token
    if not found:
        raise KeyRefused("no key: send 'authorization: Bearer <key>' or 'x-api-key: <key>'")
    return found


def digest(key: bytes) -> bytes:
    """How keys are stored and compared: a key carries 160 random bits, so one round of SHA-256 is enough."""
    return hashlib.sha256(key).digest()


class Keyring:
    """All keys in force, swapped whole."""

    def __init__(self, keys: Iterable[Principal] = ()) -> None:
        self._by_digest = {k.digest: k for k in keys}

    def __len__(self) -> int:
        return len(self._by_digest)

    def find(self, headers: Mapping[bytes, bytes], clock: Clock) -> Principal:
        """Who asks. Raises KeyRefused for no key, an unknown or revoked one, and an expired one."""
        principal = self._by_digest.get(digest(bearer(headers)))
        if principal is None:
            raise KeyRefused("this key is not known or was revoked")
        if principal.expires_at and principal.expires_at <= clock.wall():
            raise KeyRefused(f"key {principal.id} has expired; ask for a new one")
        return principal
