"""The estate's schema for editors: JSON Schema, draft 2020-12, with a description on every field."""

from polycloud.estate.schema import Estate

JsonSchema = dict[str, object]


def json_schema() -> JsonSchema:
    """The schema that an editor completes and checks an estate file with.

    Layers and included files hold parts of an estate, so ``estate`` is the one required section and
    editors should apply the schema to the main file.
    """
    schema: JsonSchema = Estate.model_json_schema(by_alias=True)
    properties = schema.get("properties")
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
    return {**head, **{key: value for key, value in schema.items() if key != "title"}}
