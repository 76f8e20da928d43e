"""How many tokens a prompt has, by its text alone: for booking what a provider was sent and did not count."""

import msgspec

TEXT_BYTES = 4  # of English and of code a token, by the makers' own rule of thumb
# Members that hold no prompt text: names of kinds and roles, ids, marks, and media, which are counted in another way.
_NO_TEXT = frozenset(
    (
        "role", "type", "id", "tool_call_id", "tool_use_id", "cache_control", "signature", "data", "url", "file_data",
        "media_type", "format", "detail", "image_url", "polycloud", "extra_content", "redacted",
    )
)  # fmt: skip


def text_tokens(fields: dict[str, msgspec.Raw]) -> int:
    """The text of messages and system, and tools as they are written, at four bytes a token; at least 1."""
    size = len(fields["tools"]) if "tools" in fields else 0
    for name in ("messages", "system"):
        if name in fields:
            try:
                size += _size(msgspec.json.decode(fields[name]))
            except RecursionError:  # nested so deeply that only its length is known
                size += len(fields[name])
    return max(size // TEXT_BYTES, 1)


def _size(whole: object) -> int:
    """Without a call for each level: what a model wrote as arguments can be nested deeper than Python's stack."""
    size, left = 0, [whole]
    while left:
        value = left.pop()
        if isinstance(value, str):
            size += len(value.encode("utf-8", "surrogatepass"))
        elif isinstance(value, list):
            left += value
        elif isinstance(value, dict):
            left += [member for name, member in value.items() if name not in _NO_TEXT]
    return size
