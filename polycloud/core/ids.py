"""Identifiers: unique, sortable by time, cheap to make."""

import os
import secrets
import time

_ALPHABET = "0123456789abcdefghijkmnpqrstuvwxyz"
KEY_PREFIX = "pk-"


class IdSource:
    """Makes ids ``<prefix><hex time><process-unique tail><counter>``; two sources never collide.

    The tail is 40 random bits drawn once: a request id costs no system call.
    """

    def __init__(self, prefix: str) -> None:
        self._stem = f"{prefix}{int(time.time()):08x}{os.urandom(5).hex()}"
        self._count = 0

    def next(self) -> str:
        self._count += 1
        return f"{self._stem}{self._count:06x}"


def new_key() -> str:
    """A gateway key with 160 random bits (32 letters of a 34-letter alphabet)."""
    return KEY_PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(32))
