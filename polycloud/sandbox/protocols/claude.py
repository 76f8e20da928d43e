"""What Claude itself demands, whichever cloud serves it: the rules of thinking and of stop sequences.

Sources: docs.claude.com/en/docs/build-with-claude/extended-thinking and …/adaptive-thinking ("Validation changes":
earlier turns need not begin with thinking there); github.com/BerriAI/litellm issue 3286 (2026-11).
"""

import msgspec

from polycloud.sandbox.signatures import genuine

THINKING_TOKENS_MIN = 1024
THOUGHT_TOKENS = 64  # how much a simulated Claude thinks, whatever its budget


class Shown(msgspec.Struct, frozen=True):
    """A thinking block that came back. ``place`` names it as the provider does."""

    place: str
    text: str
    signature: str


def is_claude(model: str) -> bool:
    return "claude" in model or "anthropic" in model


def thinking_complaint(
    field: object, max_tokens: int | None, temperature: float | None, forced: bool, opens_with_thinking: bool
) -> str:
    """What is wrong with the ``thinking`` field and its surroundings; empty when nothing is.

    ``opens_with_thinking``: the last assistant turn that awaits tool results begins with a thinking
    block, or there is no such turn.
    """
    if not isinstance(field, dict) or field.get("type") not in ("enabled", "adaptive", "between_tools", "disabled"):
        return (
            "thinking: Input tag found using 'type' does not match any of the expected tags: 'adaptive', "
            "'between_tools', 'disabled', 'enabled'"
        )
    if field["type"] == "disabled":
        return ""
    if field["type"] == "enabled":
        budget = field.get("budget_tokens")
        if not isinstance(budget, int):
            return "thinking.enabled.budget_tokens: Field required"
        if budget < THINKING_TOKENS_MIN:
            return f"thinking.enabled.budget_tokens: Input should be greater than or equal to {THINKING_TOKENS_MIN}"
        if max_tokens is not None and max_tokens <= budget:
            return "`max_tokens` must be greater than `thinking.budget_tokens`."
    if forced and field["type"] == "enabled":  # adaptive thinking takes a forced tool (recorded traffic)
        return "Thinking may not be enabled when tool_choice forces tool use."
    if temperature not in (None, 1):
        return "`temperature` may only be set to 1 when thinking is enabled or in adaptive mode."
    if not opens_with_thinking and field["type"] == "enabled":
        return (
            "Expected `thinking` or `redacted_thinking`, but found `tool_use`. When `thinking` is enabled, a final "
            "`assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and "
            "`tool_result` blocks)."
        )
    return ""


def stop_complaint(sequences: list[str]) -> str:
    """What is wrong with stop sequences; empty when nothing is."""
    blank = any(not one.strip() for one in sequences)
    return "stop_sequences: each stop sequence must contain non-whitespace" if blank else ""


def signature_complaint(shown: list[Shown]) -> str:
    """What is wrong with thinking that came back; empty when nothing is."""
    for block in shown:
        if not genuine(block.text, block.signature):
            return f"{block.place}: Invalid `signature` in `thinking` block"
    return ""


def thinks(field: object) -> int:
    """Tokens that a ``thinking`` field lets the simulated model think."""
    return (
        THOUGHT_TOKENS
        if isinstance(field, dict) and field.get("type") in ("enabled", "adaptive", "between_tools")
        else 0
    )
