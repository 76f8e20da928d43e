"""The page on the estate's language, from its published JSON Schema: every section, every key."""

import json
from collections.abc import Iterator
from pathlib import Path

from polycloud.estate import Estate

SCHEMA = Path(__file__).resolve().parents[1] / "polycloud" / "estate" / "estate.schema.json"
Node = dict[str, object]


def page() -> str:
    schema = json.loads(SCHEMA.read_text("utf8"))
    sections = [field.alias or name for name, field in Estate.model_fields.items()]
    properties, parts = schema["properties"], schema["$defs"]
    text = [
        "# The estate file\n\n",
        "Every key of the language. `polycloud schema` prints the JSON Schema that this page is made from, so that an "
        "editor completes and checks an estate. Keys that are not listed here are refused. Sections that later "
        "versions act on are read and checked already.\n\n## Sections\n\n",
        "| Key | Type | Meaning |\n| --- | --- | --- |\n",
    ]
    text += [
        f"| `{name}` | {kind(properties[name])} | {cell(properties[name].get('description', ''))} |\n"
        for name in (*sections, "include")
    ]
    for name in order(properties, sections, parts):
        text.append(f"\n## {name}\n\n{parts[name].get('description', '')}\n\n")
        text += part(parts[name])
    return "".join(text)


def part(found: Node) -> Iterator[str]:
    properties = found.get("properties")
    if not isinstance(properties, dict):
        yield f"{kind(found)}\n"
        return
    required = found.get("required", [])
    assert isinstance(required, list)
    yield "| Key | Type | Default | Meaning |\n| --- | --- | --- | --- |\n"
    for key, value in properties.items():
        if key in required:
            default = "required"
        else:
            default = f"`{json.dumps(value['default'])}`" if value.get("default") not in (None, [], {}, "") else ""
        yield f"| `{key}` | {kind(value)} | {default} | {cell(value.get('description', ''))} |\n"


def order(properties: Node, sections: list[str], parts: dict[str, Node]) -> list[str]:
    """Definitions in the order in which the sections first use them."""
    found: list[str] = []

    def walk(node: object) -> None:
        if isinstance(node, list):
            for item in node:
                walk(item)
        elif isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str):
                name = reference.rpartition("/")[2]
                if name not in found:
                    found.append(name)
                    walk(parts[name])
            for value in node.values():
                walk(value)

    for section in sections:
        walk(properties[section])
    return found


def kind(node: object) -> str:
    """The type of a value in words."""
    assert isinstance(node, dict)
    if "$ref" in node:
        name = str(node["$ref"]).rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in node:
        return " or ".join(dict.fromkeys(kind(choice) for choice in node["anyOf"]))
    if "enum" in node:
        return ", ".join(f"`{choice}`" for choice in node["enum"])
    if "const" in node:
        return f"`{node['const']}`"
    if node.get("type") == "array":
        items = node.get("items") or {"type": "text"}
        return f"list of {kind(items)}"
    if node.get("type") == "object":
        values = node.get("patternProperties") or node.get("additionalProperties")
        if isinstance(values, dict) and values:
            inner = next(iter(values.values())) if "patternProperties" in node else values
            return f"map to {kind(inner)}"
        return "map"
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    word = words.get(str(node.get("type", "")), str(node.get("type", "value")))
    examples = node.get("examples")
    return f"{word}, such as `{examples[0]}`" if isinstance(examples, list) and examples else word


def cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")
