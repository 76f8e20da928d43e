"""What somebody may have meant by a name that is not there."""

from collections.abc import Collection
from difflib import get_close_matches

CUTOFF = 0.6  # of likeness: one or two wrong letters in a short name
SHOWN_MAX = 20  # known names in one message


def unknown(what: str, name: str, known: Collection[str]) -> str:
    """``no site 'aws/us-est-1': did you mean aws/us-east-1? (known: ...)``"""
    near = get_close_matches(name, known, n=1, cutoff=CUTOFF)
    meant = f": did you mean {near[0]}?" if near else ""
    shown = sorted(known)[:SHOWN_MAX]
    more = len(known) - len(shown)
    listed = ", ".join(shown) + (f" and {more} more" if more else "") or "none"
    return f"no {what} {name!r}{meant} (known: {listed})"
