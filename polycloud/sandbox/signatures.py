"""The mark on a simulated thought: it must come back unchanged, as real providers check."""

import base64
import hashlib

_KEY = b"polycloud simulated thought"
PREFIX = "U0lNVUxBVEVE"  # base64 of "SIMULATED"


def sign(text: str) -> str:
    """The signature of a thought or a tool call; the same on every site, as it is between clouds for one model."""
    digest = hashlib.blake2b(text.encode("utf8", "surrogatepass"), key=_KEY, digest_size=48).digest()
    return PREFIX + base64.b64encode(digest).decode()


def genuine(text: str, signature: str) -> bool:
    """Whether ``signature`` belongs to ``text``; a thought whose text was not shown has only its signature."""
    return signature == sign(text) or (not text and signature.startswith(PREFIX))
