"""Finds secrets that were written into an estate by mistake, and never repeats one."""

import re

# The published shapes of keys: AWS access keys, Google API keys and OAuth tokens, OpenAI and Anthropic keys,
# GitHub and Slack tokens, our own gateway keys, JSON web tokens, PEM private keys, storage account keys.
_SHAPES = re.compile(
    r"(?:AKIA|ASIA)[0-9A-Z]{16}"
    r"|AIza[0-9A-Za-z_-]{35}"
    r"|ya29\.[0-9A-Za-z_-]{20,}"
    r"|sk-[A-Za-z0-9_-]{20,}"
    r"|gh[pousr]_[0-9A-Za-z]{36}"
    r"|xox[abprs]-[0-9A-Za-z-]{10,}"
    r"|pk-[0-9a-z]{32}"
    r"|eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|hvs\.[0-9A-Za-z_-]{20,}"
    r"|(?:AccountKey|SharedAccessSignature)="
)
_IN_URL = re.compile(r"https?://[^/\s:@]+:[^/\s@]+@")


def looks_secret(text: str) -> bool:
    """Whether ``text`` has the shape of a key, a token or a password in an address."""
    return _SHAPES.search(text) is not None or _IN_URL.search(text) is not None
