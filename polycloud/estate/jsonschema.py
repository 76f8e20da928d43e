"""The estate's schema for editors: JSON Schema, draft 2020-12, with a description on every field."""

import json

from polycloud.estate.schema import Estate

JsonSchema = dict[str, object]


def json_schema() -> JsonSchema:
    """The schema that an editor completes and checks an estate file with.

    It is meant for the main file: layers and included files hold parts, so that for them ``estate`` is
    not required and, in layers, ``null`` removes.
    """
    described = _without_null(Estate.model_json_schema(by_alias=True))
    assert isinstance(described, dict)
    properties = described["properties"]
    assert isinstance(properties, dict)
    properties["include"] = {
        "description": "Files of this folder that hold further sections: [models.yaml, routes.yaml].",
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    }
    head: JsonSchema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:polycloud:estate:1",
        "title": "polycloud estate",
    }
    return {**head, **{str(key): value for key, value in described.items() if key != "title"}}


def schema_text() -> str:
    """The schema as the file ``estate.schema.json`` holds it: stable bytes, one line feed at the end."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _without_null(schema: object) -> object:
    """An optional key is left out, not set to null: editors should offer values only."""
    if isinstance(schema, list):
        return [_without_null(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _without_null(value) for key, value in schema.items()}
    if "default" in kept and kept["default"] is None:
        del kept["default"]
    choices = kept.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        rest = [choice for choice in choices if choice != {"type": "null"}]
        if len(rest) > 1:
            kept["anyOf"] = rest
        else:
            del kept["anyOf"]
            kept = {**rest[0], **kept}
    return kept
