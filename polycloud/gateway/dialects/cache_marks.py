"""Prompt-cache marks as callers write them: ``{"type": "ephemeral", "ttl": "5m"}``.

docs.claude.com/en/docs/build-with-claude/prompt-caching (2026-11): five minutes unless ``ttl`` says one hour.
"""

from polycloud.core.chat import CacheMark
from polycloud.core.errors import BadRequest

_MARKS: dict[str, CacheMark] = {"5m": "5m", "1h": "1h"}


def cache_mark(kind: str, ttl: str | None) -> CacheMark:
    """Raises BadRequest for a kind or lifetime that no provider offers."""
    mark = _MARKS.get(ttl or "5m")
    if kind != "ephemeral" or mark is None:
        raise BadRequest("cache_control: type must be ephemeral and ttl 5m or 1h", "cache_control")
    return mark


def cache_control(mark: CacheMark) -> dict[str, str]:
    return {"type": "ephemeral", "ttl": "1h"} if mark == "1h" else {"type": "ephemeral"}
