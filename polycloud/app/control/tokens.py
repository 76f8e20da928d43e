"""The admin token: made at the first start, kept as a digest, in plaintext only in a file for its owner."""

import hashlib
import hmac
import secrets
from pathlib import Path
from typing import Protocol

from polycloud.app.control.log import Log
from polycloud.app.files import write_private

SETTING = "admin_token_sha256"
PREFIX = "pa-"
RANDOM_BYTES = 24  # 192 bits: nothing to guess, so one round of SHA-256 is enough


class Settings(Protocol):
    """Where the digest is kept."""

    def setting(self, name: str) -> str: ...

    def set(self, name: str, value: str) -> None: ...


class AdminToken:
    """Compares in constant time."""

    def __init__(self, digest: str) -> None:
        self._digest = digest

    def matches(self, token: str) -> bool:
        return hmac.compare_digest(hashlib.sha256(token.encode()).hexdigest(), self._digest)


def admin_token(settings: Settings, path: Path, log: Log) -> AdminToken:
    """The token in force. When its file is gone or does not fit (any more) a new one is made: whoever may
    write the state directory owns the installation anyway."""
    digest = settings.setting(SETTING)
    token = AdminToken(digest)
    try:
        if digest and token.matches(path.read_text("ascii").strip()):
            return token
    except (OSError, UnicodeDecodeError):
        pass
    made = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    digest = hashlib.sha256(made.encode()).hexdigest()
    write_private(path, f"{made}\n".encode())
    settings.set(SETTING, digest)
    log.info("admin.token", file=str(path))
    return AdminToken(digest)
