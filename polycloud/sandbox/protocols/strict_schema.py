"""What OpenAI's strict structured output asks of a schema: every object closed, and all its members required.

Sources: learn.microsoft.com/azure/ai-foundry/openai/how-to/structured-outputs (2026-11); the words are those of Azure's
answers in github.com/moeru-ai/xsai/issues/202 and github.com/dottxt-ai/outlines/issues/844 (2026-11).
"""

from collections.abc import Iterator, Mapping

CHILDREN = ("properties", "$defs", "definitions")  # members by name
LISTS = ("anyOf", "prefixItems")


def broken_rule(schema: Mapping[str, object]) -> str:
    """The first rule that ``schema`` breaks, in the provider's words; "" when it breaks none."""
    waiting: list[tuple[tuple[str, ...], object]] = [((), schema)]
    while waiting:
        place, node = waiting.pop()
        if not isinstance(node, Mapping):
            continue
        wrong = _wrong(node)
        if wrong:
            return f"In context={place}, {wrong}"
        waiting += reversed([*_children(place, node)])
    return ""


def _wrong(node: Mapping[str, object]) -> str:
    kind, members = node.get("type"), node.get("properties")
    if kind != "object" and not (isinstance(kind, list) and "object" in kind):
        return ""
    if node.get("additionalProperties") is not False:
        return "'additionalProperties' is required to be supplied and to be false."
    required = node.get("required")
    named = required if isinstance(required, list) else []
    missing = next((name for name in (members if isinstance(members, Mapping) else ()) if name not in named), None)
    if missing is None:
        return ""
    said = "'required' is required to be supplied and to be an array including every key in properties."
    return f"{said} Missing '{missing}'."


def _children(place: tuple[str, ...], node: Mapping[str, object]) -> Iterator[tuple[tuple[str, ...], object]]:
    for word in CHILDREN:
        members = node.get(word)
        if isinstance(members, Mapping):
            yield from (((*place, word, name), child) for name, child in members.items())
    yield (*place, "items"), node.get("items")
    for word in LISTS:
        members = node.get(word)
        if isinstance(members, list):
            yield from (((*place, word, str(number)), child) for number, child in enumerate(members))
