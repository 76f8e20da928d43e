"""Counting: a plain tokenizer that is the same for every protocol, and the prompt cache's bookkeeping.

A token is four bytes of UTF-8, begun ones included, counted per text: ``ceil(len(utf8) / 4)``. Real
tokenizers differ by model; what matters here is that all counts of one exchange agree.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

from polycloud.sandbox.ask import Mark

TOKEN_BYTES = 4
IMAGE_TOKENS = 256  # a flat stand-in; real counts depend on the size
CACHE_ENTRIES_MAX = 4096  # prefixes per listener; 32-byte keys, so well under a megabyte
CACHE_SECONDS = 300.0  # the default lifetime of Anthropic's and Bedrock's prompt cache
HOUR_SECONDS = 3600.0  # the lifetime of a mark of "1h"
IMPLICIT_STEP_TOKENS = 128  # OpenAI reports cached tokens in steps of 128


def count(text: str) -> int:
    return -(-len(text.encode("utf8", "surrogatepass")) // TOKEN_BYTES)


def cut(text: str, tokens: int) -> str:
    """The longest beginning of ``text`` that counts at most ``tokens``; never half a character."""
    return text.encode("utf8", "surrogatepass")[: max(tokens, 0) * TOKEN_BYTES].decode("utf8", "ignore")


class PrefixCache:
    """Which prompt prefixes a listener has seen lately; least recently used ones go first."""

    def __init__(self, minimum_tokens: int) -> None:
        self._minimum = minimum_tokens
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def explicit(self, pieces: Sequence[tuple[str, Mark]], scope: str, now: float) -> tuple[int, int, int]:
        """(read, written, written for an hour) tokens for a prompt with cache marks; a piece is (text, the mark that
        follows it). What stands before a mark of an hour is kept for an hour."""
        if not any(mark for _, mark in pieces):
            return 0, 0, 0
        bounds = [bound for bound in self._bounds(pieces, scope) if bound[2]]
        read = self._longest(bounds, now)
        last = bounds[-1][0] if bounds else 0
        hour = max((tokens for tokens, _, mark in bounds if mark == "1h"), default=0)
        self._store(bounds, now)
        return read, max(last - read, 0), max(hour - read, 0)

    def implicit(self, pieces: Sequence[tuple[str, Mark]], scope: str, now: float) -> int:
        """Tokens read for a prompt without marks, as OpenAI and Google do by themselves."""
        if sum(count(text) for text, _ in pieces) < self._minimum:
            return 0
        bounds = self._bounds(pieces, scope)
        read = self._longest(bounds, now)
        self._store(bounds, now)
        return read - read % IMPLICIT_STEP_TOKENS

    def _bounds(self, pieces: Sequence[tuple[str, Mark]], scope: str) -> list[tuple[int, bytes, Mark]]:
        state = hashlib.blake2b(scope.encode(), digest_size=16)
        tokens = 0
        bounds: list[tuple[int, bytes, Mark]] = []
        for text, mark in pieces:
            raw = text.encode("utf8", "surrogatepass")
            state.update(len(raw).to_bytes(8, "big") + raw)
            tokens += count(text)
            if tokens >= self._minimum:
                bounds.append((tokens, state.digest(), mark))
        return bounds

    def _longest(self, bounds: list[tuple[int, bytes, Mark]], now: float) -> int:
        return max((tokens for tokens, key, _ in bounds if self._seen.get(key, 0.0) > now), default=0)

    def _store(self, bounds: list[tuple[int, bytes, Mark]], now: float) -> None:
        for _, key, mark in bounds:
            self._seen[key] = now + (HOUR_SECONDS if mark == "1h" else CACHE_SECONDS)
            self._seen.move_to_end(key)
        while len(self._seen) > CACHE_ENTRIES_MAX:
            self._seen.popitem(last=False)
