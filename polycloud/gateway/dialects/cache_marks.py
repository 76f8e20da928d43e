"""Prompt-cache marks as callers write them: ``{"type": "ephemeral", "ttl": "5m"}``.

docs.claude.com/en/docs/build-with-claude/prompt-caching (2026-11): five minutes unless ``ttl`` says one hour.
"""

import msgspec

from polycloud.core.chat import CacheMark
from polycloud.core.errors import BadRequest

DEPTH = 3  # a message, a block in it, and a block in a tool's result
_MARKS: dict[str, CacheMark] = {"5m": "5m", "1h": "1h"}


def cache_mark(kind: str, ttl: str | None) -> CacheMark:
    """Raises BadRequest for a kind or lifetime that no provider offers."""
    mark = _MARKS.get(ttl or "5m")
    if kind != "ephemeral" or mark is None:
        raise BadRequest("cache_control: type must be ephemeral and ttl 5m or 1h", "cache_control")
    return mark


def uncached(fields: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """A body's members without marks, wherever its format has them."""
    kept = {name: raw for name, raw in fields.items() if name != "cache_control"}
    for name in ("messages", "system", "tools"):
        raw = kept.get(name)
        if raw is not None and b'"cache_control"' in bytes(raw):
            kept[name] = msgspec.Raw(msgspec.json.encode(_bare(msgspec.json.decode(raw), DEPTH)))
    return kept


def _bare(value: object, depth: int) -> object:
    """Marks stand on messages, tools, blocks, and blocks in blocks, never inside a tool's schema or its input."""
    if isinstance(value, list):
        return [_bare(one, depth) for one in value]
    if not isinstance(value, dict) or not depth:
        return value
    return {
        name: _bare(member, depth - 1) if name == "content" else member
        for name, member in value.items()
        if name != "cache_control"
    }


def cache_control(mark: CacheMark) -> dict[str, str]:
    return {"type": "ephemeral", "ttl": "1h"} if mark == "1h" else {"type": "ephemeral"}
