"""The OpenAPI 3.1 document, made from the table of endpoints and the models of their bodies."""

import re

from pydantic.json_schema import models_json_schema

from polycloud import __version__
from polycloud.app.api.endpoints import ENDPOINTS, Endpoint

_REF = "#/components/schemas/{model}"
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "fix"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "fix": {"type": "string"},
                "findings": {"type": "array", "items": {"type": "string"}},
            },
        }
    },
}
_OPEN = {
    "/healthz": ("healthz", "The process lives."),
    "/readyz": ("readyz", "An estate is in force and every worker has it."),
    "/metrics": ("metrics", "Metrics in Prometheus' text format."),
    "/openapi.json": ("openapi", "This document."),
}


def document() -> dict[str, object]:
    """The whole document as plain JSON values."""
    bodies = [(e.body, "validation") for e in ENDPOINTS if e.body is not None]
    _, schemas = models_json_schema(bodies, ref_template=_REF)  # type: ignore[arg-type]
    paths: dict[str, dict[str, object]] = {}
    for path, (name, summary) in _OPEN.items():
        paths[path] = {"get": {"operationId": name, "summary": summary, "security": [], "responses": _responses(200)}}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "polycloud admin API", "version": __version__, "license": {"name": "Apache-2.0"}},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {**schemas.get("$defs", {}), "Error": _ERROR},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, object]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", endpoint.path)
    ]
    in_query = [
        {"name": q.name, "in": "query", "required": False, "description": q.text, "schema": {"type": "string"}}
        for q in endpoint.query
    ]
    found: dict[str, object] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "parameters": [*in_path, *in_query],
        "responses": _responses(endpoint.status),
    }
    if endpoint.body is not None:
        schema = {"$ref": _REF.format(model=endpoint.body.__name__)}
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return found


def _responses(status: int) -> dict[str, object]:
    error = {"application/json": {"schema": {"$ref": _REF.format(model="Error")}}}
    return {
        str(status): {"description": "The answer."},
        "default": {"description": "An error, with what to do about it.", "content": error},
    }
