"""The path of a value inside an estate, as people write it: ``models["gpt-4.1"].deployments[0].at``."""

import re
from collections.abc import Iterable

from polycloud.core.spelling import near

SHORTEST_BEGINNING = 3  # letters from which the beginning of a word says which one is meant
KeyPath = tuple[str | int, ...]
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def path_text(path: KeyPath) -> str:
    """``path`` in one line; keys that are no plain words stand in quotes."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f'["{part}"]'
    return text


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that ``word`` was most likely meant to be, or None when none is near."""
    by_lower = {name.lower(): name for name in sorted(known, reverse=True)}
    found = near(word.lower(), by_lower, 3, 0.6)
    if found:
        return by_lower[found[0]]
    begun = [name for name in by_lower if len(word) >= SHORTEST_BEGINNING and name.startswith(word.lower())]
    return by_lower[begun[0]] if len(begun) == 1 else None


def suggestion(word: str, known: Iterable[str], shown: int = 12) -> str:
    """The fix for an unknown word: the one that was meant, or what there is to choose from."""
    names = sorted(set(known))
    meant = nearest(word, names)
    if meant is not None:
        return f"did you mean {meant}?"
    if not names:
        return "none is declared"
    more = f", … ({len(names)} in all)" if len(names) > shown else ""
    return "known: " + ", ".join(names[:shown]) + more
