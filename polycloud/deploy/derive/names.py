"""Names that each cloud allows, for renderers: the rules are facts, so they stand in the catalogue."""

from polycloud.catalog.names import DIGEST, RULES, Rule, broken, made

__all__ = ["DIGEST", "RULES", "Rule", "broken", "made"]
