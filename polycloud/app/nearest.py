"""What somebody may have meant by a name that is not there."""

from collections.abc import Collection

from polycloud.core.spelling import near

CUTOFF = 0.6  # of likeness: one or two wrong letters in a short name
SHOWN_MAX = 20  # known names in one message


def unknown(what: str, name: str, known: Collection[str]) -> str:
    """``no site 'aws/us-est-1': did you mean aws/us-east-1? (known: ...)``"""
    found = near(name, known, 3, CUTOFF)
    meant = f": did you mean {found[0]}?" if found else ""
    shown = sorted(known)[:SHOWN_MAX]
    more = len(known) - len(shown)
    listed = ", ".join(shown) + (f" and {more} more" if more else "") or "none"
    return f"no {what} {name!r}{meant} (known: {listed})"
