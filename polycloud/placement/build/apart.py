"""Parts that must be apart: whether each finds a site, or a cloud, of its own."""

from collections.abc import Sequence


def end(site: str, by_cloud: bool) -> str:
    """What parts must not share: the site, or its whole cloud."""
    return site.partition("/")[0] if by_cloud else site


def matched(ends: Sequence[set[str]]) -> int:
    """How many parts can have an end each (augmenting paths)."""
    owner: dict[str, int] = {}

    def find(part: int, seen: set[str]) -> bool:
        for one in sorted(ends[part]):
            if one not in seen:
                seen.add(one)
                if one not in owner or find(owner[one], seen):
                    owner[one] = part
                    return True
        return False

    return sum(find(part, set()) for part in range(len(ends)))
