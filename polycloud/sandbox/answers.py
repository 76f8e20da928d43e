"""Writes answers: the same for the same seed and question, and honest about being simulated.

A text says which model and site it stands for and what it was asked. What a question can steer:

- ``echo: <text>`` in the last user message answers exactly that text;
- ``words: <n>`` makes the answer n words long (for slow and long streams);
- a tool is called when the caller forces it, or when the last user message names it, or a telling word
  of its name, and no result is waiting; with several such tools and parallel calls on, all are called;
- after tool results the answer quotes them.
"""

import hashlib
import random
import re

import msgspec

from polycloud.sandbox import tokens
from polycloud.sandbox.ask import Answer, Ask, Block, Finish, Mark, Piece, Tool
from polycloud.sandbox.instances import instance
from polycloud.sandbox.signatures import sign

WORDS_MAX = 20_000  # about 130 kB: longer than any context-window test needs
CALLS_MAX = 8  # parallel calls in one answer
EXCERPT_CHARS = 80
_ECHO = re.compile(r"\becho:\s?(.*)\Z", re.DOTALL)
_WORDS = re.compile(r"\bwords:\s*(\d{1,6})\b")
_NAME = re.compile(r"(?<=[a-z,:;'\"(] )['\"(]*([A-Z][\w-]+)")
_PLAIN_VERBS = frozenset({"call", "find", "from", "give", "have", "into", "list", "load", "look", "make", "read"})
_FILLER = (
    "Nothing here was thought by a model; the words are chosen by a seed.",
    "The counts of tokens are true to the text, so that limits, budgets and metering can be tried.",
    "Ask again with the same words and the same answer comes back.",
    "A real provider would now explain the matter in its own voice.",
    "Faults, delays and limits can be switched on per site, model and key.",
    "Sent to the real endpoint, the same request would be billed.",
)
_THOUGHT = "The question is simulated, so is this thought: weigh it, keep it short, then answer. "


class Author:
    """Answers for one site."""

    def __init__(self, seed: int, site: str) -> None:
        self._seed, self._site = seed, site

    def answers(self, ask: Ask, model: str, created: int, count: int) -> Answer:
        """The answer with ``count`` choices, its tokens being those of all. Raises as ``answer``."""
        first = self.answer(ask, model, created)
        first.more = [self.answer(ask, model, created, choice) for choice in range(1, count)]
        first.output += sum(a.output for a in first.more)
        first.reasoning += sum(a.reasoning for a in first.more)
        return first

    def answer(self, ask: Ask, model: str, created: int, choice: int = 0) -> Answer:
        """Raises instances.NoInstance or patterns.Unmatched when a schema can not be satisfied."""
        digest = self._digest(ask, f"{model}\0{choice}" if choice else model)
        chance = random.Random(digest)  # noqa: S311  (deterministic on purpose)
        identity = digest.hex()
        finish: Finish = "stop"
        stopped = ""
        thoughts = self._thoughts(ask)
        blocks = self._calls(ask, chance, identity)
        if blocks:
            finish = "tool_calls"
        else:
            text, stopped = _stop(self._text(ask, model, chance, choice), ask.stop)
            finish = "stop_sequence" if stopped else "stop"
            blocks = [Block("text", text, tokens=tokens.count(text))]
        blocks, shortened = _limit(thoughts + blocks, ask.max_tokens)
        if shortened:
            finish, stopped = "length", ""
        for block in blocks:
            block.signature = sign(block.text)
        reasoning = sum(b.tokens for b in blocks if b.kind == "thinking")
        return Answer(
            id=identity,
            blocks=[b for b in blocks if b.kind != "thinking" or ask.show_thinking],
            finish=finish,
            stop_sequence=stopped,
            input=prompt_tokens(ask),
            output=sum(b.tokens for b in blocks),
            reasoning=reasoning,
            created=created,
        )

    def _digest(self, ask: Ask, model: str) -> bytes:
        state = hashlib.blake2b(f"{self._seed}\0{self._site}\0{model}\0".encode(), digest_size=32)
        try:
            state.update(msgspec.msgpack.encode(ask))
        except OverflowError:  # a schema may hold any integer, MessagePack no more than 64 bits
            state.update(msgspec.json.encode(ask))
        return state.digest()

    def _thoughts(self, ask: Ask) -> list[Block]:
        if ask.thinking <= 0:
            return []
        text = tokens.cut(_THOUGHT, ask.thinking).rstrip()
        return [Block("thinking", text, tokens=tokens.count(text))]

    def _calls(self, ask: Ask, chance: random.Random, identity: str) -> list[Block]:
        chosen = _chosen_tools(ask)
        if not chosen:
            return []
        names = _NAME.findall(_last_prompt(ask))
        blocks = []
        for i, tool in enumerate(chosen[:CALLS_MAX]):
            value = instance(tool.schema or {"type": "object"}, chance, names)
            text = msgspec.json.encode(value if isinstance(value, dict) else {}).decode()
            call_id = hashlib.blake2b(f"{identity} call {i}".encode(), digest_size=12).hexdigest()
            blocks.append(Block("call", text, call_id, tool.name, tokens=tokens.count(tool.name) + tokens.count(text)))
        return blocks

    def _text(self, ask: Ask, model: str, chance: random.Random, choice: int) -> str:
        prompt = _last_prompt(ask)
        schema = ask.schema if ask.schema is not None else _schema_in_words(ask)
        if schema is not None:
            return msgspec.json.encode(instance(schema, chance, _NAME.findall(prompt))).decode()
        if ask.json_object or _object_in_words(ask):
            value = {"simulated": True, "model": model, "site": self._site, "question": prompt[:EXCERPT_CHARS]}
            return msgspec.json.encode(value).decode()
        results = _waiting_results(ask)
        if not results and (echo := _echo(prompt)) is not None:
            return echo
        parts = [f"This is a simulated answer from {model} at {self._site}."]
        if results:
            parts.append(" ".join(f"The tool {r.name or 'result'} said: {r.text}" for r in results))
        elif prompt:
            parts.append(f'You asked: "{_excerpt(prompt)}".')
        system = " ".join(p.text for p in ask.pieces if p.kind == "system" and p.text)
        if system:
            parts.append(f'The system prompt begins: "{_excerpt(system)}".')
        turn = 1 + sum(1 for p in ask.pieces if p.kind == "assistant")
        if turn > 1:
            parts.append(f"This is turn {turn} of our conversation.")
        if choice:
            parts.append(f"This is choice {choice + 1}.")
        if images := sum(p.images for p in ask.pieces):
            parts.append(f"It came with {images} image{'s' * (images > 1)}.")
        parts += chance.sample(_FILLER, 3)
        text = " ".join(parts)
        if "words:" in prompt and (wanted := _WORDS.search(prompt)):
            return _words(text, min(int(wanted[1]), WORDS_MAX), chance)
        return text


def prompt_pieces(ask: Ask) -> list[tuple[str, Mark]]:
    """The prompt's texts in the order that providers cache them: tools, then system, then the conversation."""
    tools = [(f"{t.name}{t.description}{msgspec.json.encode(t.schema).decode()}", t.mark) for t in ask.tools]
    system = [(p.text, p.mark) for p in ask.pieces if p.kind == "system"]
    return tools + system + [(p.name + p.text, p.mark) for p in ask.pieces if p.kind != "system"]


def prompt_tokens(ask: Ask) -> int:
    texts = sum(tokens.count(text) for text, _ in prompt_pieces(ask))
    return texts + tokens.IMAGE_TOKENS * sum(p.images for p in ask.pieces)


def _tail(ask: Ask) -> list[Piece]:
    """What came after the assistant spoke last."""
    tail: list[Piece] = []
    for piece in reversed(ask.pieces):
        if piece.kind in ("assistant", "call", "thinking"):
            break
        tail.append(piece)
    return tail[::-1]


def _waiting_results(ask: Ask) -> list[Piece]:
    return [p for p in _tail(ask) if p.kind == "tool"]


def _schema_in_words(ask: Ask) -> dict[str, object] | None:
    """A JSON Schema that the system's words ask to follow, as a model without a schema mode is asked; else None."""
    for piece in ask.pieces:
        _, asked, rest = piece.text.partition("JSON Schema:") if piece.kind == "system" else ("", "", "")
        if asked:
            try:
                return msgspec.json.decode(rest.strip(), type=dict[str, object])
            except msgspec.DecodeError:
                continue
    return None


def _object_in_words(ask: Ask) -> bool:
    """Whether the system's words ask for one JSON object, as a model without a JSON mode is asked."""
    return any(p.kind == "system" and "one JSON object" in p.text for p in ask.pieces)


def _last_prompt(ask: Ask) -> str:
    text = "\n".join(p.text for p in _tail(ask) if p.kind == "user" and p.text)
    return text or next((p.text for p in reversed(ask.pieces) if p.kind == "user" and p.text), "")


def _echo(prompt: str) -> str | None:
    found = _ECHO.search(prompt) if "echo:" in prompt else None
    return None if found is None else found[1]


def _chosen_tools(ask: Ask) -> list[Tool]:
    if not ask.tools or ask.choice == "none":
        return []
    if ask.choice == "named":
        return [t for t in ask.tools if t.name == ask.choice_name]
    tools = [t for t in ask.tools if t.name in ask.allowed] if ask.allowed else ask.tools
    prompt = _last_prompt(ask)
    if ask.choice == "auto" and (_waiting_results(ask) or _echo(prompt) is not None):
        return []
    called = {p.name for p in ask.pieces if p.kind == "call"}
    named = [t for t in tools if _asks_for(prompt, t.name)]
    if ask.choice == "required":
        fresh = [t for t in tools if t.name not in called]
        named = [t for t in named if t.name not in called] or (fresh or tools)[:1]
    return named if ask.parallel else named[:1]


def _asks_for(prompt: str, tool: str) -> bool:
    if tool in prompt:
        return True
    asked = set(re.findall(r"[a-z]+", prompt.lower()))
    telling = {w for w in re.findall(r"[a-z]+", re.sub(r"([A-Z])", r" \1", tool).lower()) if len(w) > 3}
    return bool(asked & (telling - _PLAIN_VERBS))


def _stop(text: str, sequences: list[str]) -> tuple[str, str]:
    found = [(text.find(s), s) for s in sequences if s and s in text]
    if not found:
        return text, ""
    at, sequence = min(found)
    return text[:at], sequence


def _limit(blocks: list[Block], max_tokens: int | None) -> tuple[list[Block], bool]:
    if max_tokens is None or sum(b.tokens for b in blocks) <= max_tokens:
        return blocks, False
    kept, left = [], max_tokens
    for block in blocks:
        room = left - tokens.count(block.name)
        if room <= 0:
            break
        text = tokens.cut(block.text, room)
        spent = tokens.count(block.name) + tokens.count(text)
        kept.append(msgspec.structs.replace(block, text=text, tokens=spent))
        left -= spent
    return kept, True


def _words(text: str, number: int, chance: random.Random) -> str:
    words = text.split(" ")
    while len(words) < number:
        words += chance.choice(_FILLER).split(" ")
    return " ".join(words[:number])


def _excerpt(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= EXCERPT_CHARS else flat[: EXCERPT_CHARS - 1] + "…"
