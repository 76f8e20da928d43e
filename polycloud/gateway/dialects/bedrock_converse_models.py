"""What Converse leaves to each model family: reasoning, top-k, and tool choices that it has no field for.

Converse takes them as ``additionalModelRequestFields``, whose members differ by family
(docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html and recorded traffic, 2026-11).
"""

import re
from typing import Literal

from polycloud.core.chat import CacheMark, ChatRequest, Effort, Message, Thinking, ToolCall

Family = Literal["claude", "nova", "gpt-oss", "other"]

BUDGET_TOKENS: dict[Effort, int] = {
    "minimal": 1024, "low": 2048, "medium": 8192, "high": 16_384, "xhigh": 24_000, "max": 24_000,
}  # fmt: skip
BUDGET_TOKENS_MIN = 1024  # the least that Claude takes
ANSWER_TOKENS = 8000  # room beside the largest budget: together the 32,000 that Claude Opus 4 may write
ADAPTIVE_SINCE = (4, 6)  # from here on Claude takes an effort and finds its own budget
BUDGET_UNTIL = (4, 7)  # from here on Claude refuses a budget
XHIGH_SINCE = (4, 7)
LONG_CACHE_SINCE = (4, 5)  # the hour's lifetime (docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html)
TEMPERATURE_MAX = 1.0  # OpenAI and Gemini allow 2
TOP_P_THINKING_MIN = 0.95  # Claude refuses less while it thinks
STRICT_TOOLS_SINCE = (4, 5)  # earlier Claude refuses the field (…/userguide/structured-output.html, both 2026-11)

_CLAUDE = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:-(\d{1,2}))?(?!\d)")


def family(model: str) -> Family:
    """The family of a model id, an inference profile's id or an ARN that names one."""
    name = model.lower()
    if "claude" in name:
        return "claude"
    if "nova" in name:
        return "nova"
    return "gpt-oss" if "gpt-oss" in name else "other"


def claude_version(model: str) -> tuple[int, int]:
    """(4, 5) for ``us.anthropic.claude-sonnet-4-5-20250929-v1:0``; (0, 0) where the id does not say."""
    found = _CLAUDE.search(model.lower())
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)


def asks_to_think(request: ChatRequest) -> bool:
    if request.thinking_budget is not None:
        return request.thinking_budget > 0
    return request.effort not in (None, "none")


def stops(sequences: tuple[str, ...]) -> list[str]:
    """The stop sequences that Claude takes: it refuses one of blanks ("each stop sequence must contain
    non-whitespace", github.com/BerriAI/litellm issue 3286)."""
    return [one for one in sequences if one.strip()]


def may_think(request: ChatRequest) -> bool:
    """Whether Claude with a budget takes this request at all: it refuses thinking beside a forced tool, and
    in the middle of a tool loop whose call was not preceded by signed thinking
    (docs.claude.com/en/docs/build-with-claude/extended-thinking, 2026-11). Adaptive thinking takes both
    (…/build-with-claude/adaptive-thinking, "Validation changes", 2026-11)."""
    if request.tool_choice is not None and request.tool_choice.mode in ("required", "named"):
        return False
    last = next((m for m in reversed(request.messages) if m.role == "assistant"), None)
    if last is None or not any(isinstance(part, ToolCall) for part in last.parts):
        return True
    return not _is_open_loop(request.messages) or any(keeps(part) for part in last.parts if isinstance(part, Thinking))


def keeps(part: Thinking) -> bool:
    """Whether Claude takes ``part`` back: only what it signed or hid itself; other makers' marks carry a prefix."""
    return bool(part.redacted) or bool(part.signature and ":" not in part.signature)


def thinking_fields(request: ChatRequest, model: str) -> tuple[dict[str, object], str | None, int | None]:
    """(members of additionalModelRequestFields, outputConfig.effort, maxTokens) for what the request asks."""
    kind = family(model)
    asked = request.effort
    if kind == "claude":
        return _claude_fields(request, model)
    if kind == "gpt-oss" and asked is not None:
        level = {"none": "low", "minimal": "low", "xhigh": "high", "max": "high"}.get(asked, asked)
        return {"reasoning_effort": level}, None, request.max_tokens
    if kind == "nova" and asked is not None and asked != "none":
        level = {"minimal": "low", "xhigh": "high", "max": "high"}.get(asked, asked)
        config = {"type": "enabled", "maxReasoningEffort": level}
        return {"reasoningConfig": config}, None, request.max_tokens
    return {}, None, request.max_tokens


def lost_sampling(request: ChatRequest, *, thinks: bool) -> list[str]:
    """Sampling fields that are lowered, or left out because Claude refuses them while it thinks."""
    lost = []
    temperature, top_p = request.temperature, request.top_p
    if temperature is not None and (temperature > TEMPERATURE_MAX or (thinks and temperature != TEMPERATURE_MAX)):
        lost.append("temperature")
    if thinks and top_p is not None and top_p < TOP_P_THINKING_MIN:
        lost.append("top_p")
    if thinks and request.top_k is not None:
        lost.append("top_k")
    return lost


def claude_thinks(extra: dict[str, object]) -> bool:
    """Whether fields of ``thinking_fields`` switch Claude's thinking on."""
    thinking = extra.get("thinking")
    return isinstance(thinking, dict) and thinking.get("type") in ("enabled", "adaptive")


def top_k_fields(top_k: int, model: str) -> dict[str, object]:
    kind = family(model)
    if kind == "claude":
        return {"top_k": top_k}
    return {"inferenceConfig": {"topK": top_k}} if kind == "nova" else {}


def cache_ttl(mark: CacheMark, model: str, *, tool: bool = False) -> CacheMark:
    """The lifetime that the model's family can give a cache point at this place; "" where it takes none."""
    kind = family(model)
    if kind == "claude":
        return "5m" if mark == "1h" and claude_version(model) < LONG_CACHE_SINCE else mark
    return "5m" if mark and kind == "nova" and not tool else ""


def takes_strict_tools(model: str) -> bool:
    return family(model) == "claude" and claude_version(model) >= STRICT_TOOLS_SINCE


def _loses_cache(request: ChatRequest, model: str) -> bool:
    if any(cache_ttl(tool.cache, model, tool=True) != tool.cache for tool in request.tools):
        return True
    parts = (part for message in request.messages for part in message.parts if not isinstance(part, Thinking))
    return any(cache_ttl(part.cache, model) != part.cache for part in parts)


def lost_fields(request: ChatRequest, model: str) -> list[str]:
    """Fields of the request for which the model's family has no place."""
    kind = family(model)
    extra = thinking_fields(request, model)[0]
    lost = lost_sampling(request, thinks=claude_thinks(extra))
    if _loses_cache(request, model):
        lost.append("cache_control")
    if any(tool.strict for tool in request.tools) and not takes_strict_tools(model):
        lost.append("tools.strict")
    if request.top_k is not None and kind not in ("claude", "nova"):
        lost.append("top_k")
    if kind != "claude" and request.parallel_tools is False and request.tools:
        lost.append("parallel_tool_calls")
    return lost + changed_thinking(request, model)


def changed_thinking(request: ChatRequest, model: str) -> list[str]:
    """What becomes of the asked reasoning where it is not what was asked: left out, another level, another budget.
    An effort as a budget is the same wish in the other spelling; a budget as an effort is no bound any more."""
    asked, budget = request.effort, request.thinking_budget
    extra, effort, _ = thinking_fields(request, model)
    if not extra:
        return ["reasoning_effort"] if asks_to_think(request) else []
    thinking, config = extra.get("thinking"), extra.get("reasoningConfig")
    tokens = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    names = []
    if isinstance(tokens, int) and tokens != (budget if budget is not None else BUDGET_TOKENS.get(asked or "medium")):
        names.append(f"thinking_budget:{tokens}")
    level = effort or extra.get("reasoning_effort")
    if isinstance(config, dict):
        level = config.get("maxReasoningEffort")
    if level and (level != asked or budget is not None):
        names.append(f"reasoning_effort:{level}")
    elif budget is not None and asks_to_think(request) and asked is not None:
        names.append("reasoning_effort")
    return names


def _claude_fields(request: ChatRequest, model: str) -> tuple[dict[str, object], str | None, int | None]:
    version = claude_version(model)
    asked, budget, most = request.effort, request.thinking_budget, request.max_tokens
    if not asks_to_think(request):
        off = asked is not None or budget is not None
        return ({"thinking": {"type": "disabled"}} if off else {}), None, most
    if version >= ADAPTIVE_SINCE and (budget is None or version >= BUDGET_UNTIL):
        return {"thinking": {"type": "adaptive"}}, _effort(asked, budget, version), most
    if not may_think(request):
        return {}, None, most
    tokens = max(budget if budget is not None else BUDGET_TOKENS[asked or "medium"], BUDGET_TOKENS_MIN)
    if most is None:
        most = tokens + ANSWER_TOKENS
    elif most <= tokens:
        tokens = most // 2  # the budget is part of the bound: leave as much for the answer
        if tokens < BUDGET_TOKENS_MIN:
            return {}, None, most
    return {"thinking": {"type": "enabled", "budget_tokens": tokens}}, None, most


def _effort(asked: Effort | None, budget: int | None, version: tuple[int, int]) -> str:
    if budget is not None:
        return next((name for name in ("low", "medium", "high") if budget <= BUDGET_TOKENS[name]), "max")
    if asked == "xhigh":
        return "xhigh" if version >= XHIGH_SINCE else "max"
    return "low" if asked in (None, "minimal") else asked


def _is_open_loop(messages: tuple[Message, ...]) -> bool:
    """Whether nothing but tool results follows the last assistant message."""
    for message in reversed(messages):
        if message.role == "assistant":
            return True
        if message.role == "user" and any(part.__struct_config__.tag != "tool_result" for part in message.parts):
            return False
    return False
