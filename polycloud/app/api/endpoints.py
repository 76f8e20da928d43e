"""The table of endpoints: the one list that both the server and its OpenAPI document are made from."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from polycloud.app.api import handlers
from polycloud.app.api.backend import Backend
from polycloud.app.api.bodies import Body, CreateKey, ExplainBody, RotateKey, SteerBody
from polycloud.app.api.handlers import Asked


class Query(NamedTuple):
    name: str
    text: str


class Endpoint(NamedTuple):
    """``path`` may hold ``{id}``, which takes slashes. ``extra`` lets further query parameters through."""

    method: str
    path: str
    name: str
    summary: str
    answer: Callable[[Backend, Asked], Awaitable[object]]
    body: type[Body] | None = None
    query: tuple[Query, ...] = ()
    status: int = 200


_AGE = "Unix seconds, or an age such as 24h"
ENDPOINTS = (
    Endpoint(
        "GET",
        "/admin/status",
        "status",
        "Targets beside what was measured; workers, credentials, journals.",
        handlers.status,
        query=(Query("window", f"Measured since: {_AGE}; 1h when not given."),),
    ),
    Endpoint(
        "GET",
        "/admin/usage",
        "usage",
        "Tokens and cost, summed.",
        handlers.usage,
        query=(
            Query("by", "Dimensions with commas between: team, model, cloud, site, deployment, key, asked, outcome."),
            Query("since", f"{_AGE}."),
            Query("until", f"{_AGE}."),
            *(
                Query(name, f"Only this {name}.")
                for name in ("team", "model", "cloud", "site", "deployment", "key", "asked", "outcome")
            ),
        ),
    ),
    Endpoint("GET", "/admin/keys", "list_keys", "All gateway keys, without their secrets.", handlers.list_keys),
    Endpoint(
        "POST",
        "/admin/keys",
        "create_key",
        "Make a key; its plaintext is in this answer and nowhere else.",
        handlers.create_key,
        CreateKey,
        status=201,
    ),
    Endpoint(
        "POST",
        "/admin/keys/{id}/rotate",
        "rotate_key",
        "Replace a key; both work for the overlap.",
        handlers.rotate_key,
        RotateKey,
        status=201,
    ),
    Endpoint("DELETE", "/admin/keys/{id}", "revoke_key", "End a key now, in every worker.", handlers.revoke_key),
    Endpoint("GET", "/admin/overlay", "overlay", "The site overlay and its newest changes.", handlers.overlay),
    Endpoint(
        "PUT", "/admin/sites/{id}", "steer_site", "Move traffic off or onto a site.", handlers.steer_site, SteerBody
    ),
    Endpoint(
        "PUT",
        "/admin/deployments/{id}",
        "steer_deployment",
        "Move traffic off or onto a deployment.",
        handlers.steer_deployment,
        SteerBody,
    ),
    Endpoint("POST", "/admin/reload", "reload", "Read the estate again; errors change nothing.", handlers.reload),
    Endpoint(
        "GET",
        "/admin/placement",
        "placement",
        "Where all work and data should be, its cost, reasons and proofs: what `polycloud place --json` prints.",
        handlers.placement,
        query=(Query("seconds", "How long to search at most, up to 45; 10."),),
    ),
    Endpoint("GET", "/admin/estate", "estate", "The estate in force, all layers merged, no secrets.", handlers.estate),
    Endpoint(
        "POST",
        "/admin/explain",
        "explain",
        "Where a request would go, and why not elsewhere.",
        handlers.explain,
        ExplainBody,
    ),
    Endpoint(
        "GET",
        "/admin/decisions",
        "decisions",
        "The decision and all attempts of a request, or the newest requests.",
        handlers.decisions,
        query=(Query("request", "The id in the header x-polycloud-request."), Query("limit", "How many; 20.")),
    ),
)
