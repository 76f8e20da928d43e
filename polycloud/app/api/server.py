"""The admin API as a Starlette application: open paths, then the token, then the table of endpoints."""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from polycloud.app.api.backend import Backend
from polycloud.app.api.endpoints import ENDPOINTS, Endpoint
from polycloud.app.api.handlers import Asked
from polycloud.app.api.openapi import document
from polycloud.app.api.problems import NotFound, Unauthenticated, invalid, reply, told
from polycloud.core.errors import BadRequest, PolycloudError, TooLarge

BODY_BYTES_MAX = 1024 * 1024  # a whole chat request to be explained; everything else is far smaller
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Handler = Callable[[Request], Awaitable[Response]]


def create_app(backend: Backend) -> Starlette:
    """The application; it holds no state of its own."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        missing = backend.unready()
        return PlainTextResponse("\n".join(missing or ["ready"]) + "\n", 503 if missing else 200)

    async def metrics(request: Request) -> Response:
        if not backend.open_metrics():
            _authorize(backend, request)
        return Response(backend.metrics(), media_type=METRICS_TYPE)

    async def openapi(_: Request) -> Response:
        return reply(200, document())

    routes = [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Route("/openapi.json", openapi),
        *(_route(backend, endpoint) for endpoint in ENDPOINTS),
    ]
    return Starlette(
        routes=routes,
        exception_handlers={
            PolycloudError: _polycloud_error,
            ValidationError: _validation_error,
            HTTPException: _http_error,
            Exception: _unforeseen,
        },
    )


def _route(backend: Backend, endpoint: Endpoint) -> Route:
    async def serve(request: Request) -> Response:
        _authorize(backend, request)
        unknown = set(request.query_params) - {q.name for q in endpoint.query}
        if unknown:
            raise BadRequest(f"no such parameter: {', '.join(sorted(unknown))}")
        given = [name for name, _ in request.query_params.multi_items()]
        if len(set(given)) < len(given):
            raise BadRequest(f"given twice: {', '.join(sorted({n for n in given if given.count(n) > 1}))}")
        body = None if endpoint.body is None else endpoint.body.model_validate_json(_once(await _read(request)))
        asked = Asked(request.path_params, dict(request.query_params), body)
        return reply(endpoint.status, await endpoint.answer(backend, asked))

    # An id holds slashes: aws/us-east-1/gpt-4o. Only where nothing follows it can it take them all.
    path = endpoint.path.replace("{id}", "{id:path}") if endpoint.path.endswith("{id}") else endpoint.path
    return Route(path, serve, methods=[endpoint.method], name=endpoint.name)


def _authorize(backend: Backend, request: Request) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not backend.authorized(token.strip()):
        raise Unauthenticated("the admin token is missing or wrong")


async def _read(request: Request) -> bytes:
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) > BODY_BYTES_MAX:
            raise TooLarge(f"the body is over {BODY_BYTES_MAX} bytes")
    return bytes(found) or b"{}"


def _once(body: bytes) -> bytes:
    """The same bytes. Raises BadRequest when an object names a member twice: which of the two was meant?"""

    def members(pairs: list[tuple[str, object]]) -> None:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            raise BadRequest(f"given twice: {', '.join(sorted({n for n in names if names.count(n) > 1}))}")

    with suppress(ValueError, RecursionError):  # what is no JSON is told by who reads it
        json.loads(body, object_pairs_hook=members)
    return body


async def _polycloud_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, PolycloudError)
    return told(error)


async def _validation_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ValidationError)
    return invalid(error)


async def _unforeseen(_: Request, error: Exception) -> Response:
    """A mistake of ours. Starlette raises it again for the server's log; the caller gets none of its content."""
    message = f"an error of polycloud itself ({type(error).__name__}); nothing more is told here"
    return reply(500, {"error": {"code": "internal", "message": message, "fix": "look at the control process's log"}})


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return told(NotFound(f"there is nothing at {request.url.path}"))
    message = f"{request.method} is not offered at {request.url.path}"
    return reply(error.status_code, {"error": {"code": "bad_request", "message": message, "fix": "GET /openapi.json"}})
