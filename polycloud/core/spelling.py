"""What a misspelt name was most likely meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches


def near(word: str, known: Iterable[str], most: int, cutoff: float) -> list[str]:
    """The names that look like ``word``, best first, ``most`` at most and at least ``cutoff`` alike (0 to 1). One with
    the same letters comes before all others: two that changed places say more than how much of the rest agrees."""
    letters = sorted(word)
    return sorted(get_close_matches(word, sorted(set(known)), most, cutoff), key=lambda name: sorted(name) != letters)
