"""One small function an endpoint: read what was asked, ask the backend, write the answer."""

from collections.abc import Mapping
from typing import Literal

import msgspec
from pydantic import BaseModel

from polycloud.app.api import problems
from polycloud.app.api.backend import Backend
from polycloud.app.api.bodies import CreateKey, ExplainBody, RotateKey, SteerBody
from polycloud.core.errors import BadRequest
from polycloud.core.money import pico_as_dollars
from polycloud.core.ports.state import KeyRow, Trail, UsageRow
from polycloud.core.units import parse
from polycloud.core.usage import AttemptRecord, DecisionRecord
from polycloud.policy.overlay import Overlay, Steer

RECENT_MAX = 1000
STATUS_SECONDS = 3600.0
PLACEMENT_SECONDS, PLACEMENT_SECONDS_MAX = 10, 45  # beyond it the worker that passes it on gives up
DIGITS_MAX = 20  # as many as 64 bits have
MOMENT_MS_MAX = 10**15  # the year 33658; what the store can compare ends at 2**63


class Asked(msgspec.Struct, frozen=True):
    """What came in, already checked: parameters of path and query, and the body when the endpoint has one."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: BaseModel | None

    def moment(self, name: str, default_ms: int, now_ms: int) -> int:
        """A time: Unix seconds, or an age such as 24h. Raises BadRequest."""
        text = self.query.get(name, "")
        if not text:
            return default_ms
        try:
            found = int(text) * 1000 if _whole(text) else now_ms - int(parse(text, "seconds").value * 1000)
        except ValueError as error:
            raise BadRequest(f"{name}: {error}, or Unix seconds", name) from error
        if abs(found) > MOMENT_MS_MAX:
            raise BadRequest(f"{name}: {text[:40]!r} is no time of this age; Unix seconds have ten digits", name)
        return found

    def number(self, name: str, default: int, most: int) -> int:
        text = self.query.get(name, "") or str(default)
        if not _whole(text) or not 1 <= int(text) <= most:
            raise BadRequest(f"{name} must be a number from 1 to {most}", name)
        return int(text)


def _whole(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= DIGITS_MAX


def usd(pico: int | None) -> str | None:
    """Dollars as exact decimal text."""
    return None if pico is None else f"{pico_as_dollars(pico):f}"


def key_row(row: KeyRow, now_ms: int) -> dict[str, object]:
    """A key as it is shown: everything but its digest."""
    state = "in force"
    if row.revoked_ms is not None:
        state = "revoked"
    elif row.expires_ms is not None and row.expires_ms <= now_ms:
        state = "expired"
    shown: dict[str, object] = msgspec.to_builtins(row)
    del shown["digest"]
    return {**shown, "state": state}


def usage_row(row: UsageRow) -> dict[str, object]:
    found: dict[str, object] = msgspec.to_builtins(row)
    del found["cost_pico_usd"]
    return {**found, "cost_usd": usd(row.cost_pico_usd)}


def trail_row(trail: Trail) -> dict[str, object]:
    records = []
    for record in trail.records:
        shown: dict[str, object] = msgspec.to_builtins(record)
        if isinstance(record, AttemptRecord):
            shown["cost_usd"] = usd(record.cost_pico_usd)
        elif isinstance(record, DecisionRecord):
            shown["expected_usd"] = usd(record.expected_pico_usd)
        shown.pop("cost_pico_usd", None)
        shown.pop("expected_pico_usd", None)
        records.append(shown)
    return {"request": trail.request, "records": records}


def _overlay(overlay: Overlay) -> dict[str, object]:
    return {
        "version": overlay.version,
        "sites": {name: msgspec.structs.asdict(steer) for name, steer in overlay.sites.items()},
        "deployments": {name: msgspec.structs.asdict(steer) for name, steer in overlay.deployments.items()},
    }


async def status(backend: Backend, asked: Asked) -> object:
    now = backend.now_ms()
    since = asked.moment("window", now - int(STATUS_SECONDS * 1000), now)
    return await backend.status((now - since) / 1000)


async def usage(backend: Backend, asked: Asked) -> object:
    now = backend.now_ms()
    by = list(dict.fromkeys(name for name in asked.query.get("by", "team,model,cloud").split(",") if name))
    since = asked.moment("since", 0, now)
    until = asked.moment("until", now + 1, now)
    where = {n: v for n, v in asked.query.items() if n not in ("by", "since", "until")}
    try:
        rows = await backend.usage(by, since, until, where)
    except ValueError as error:
        raise BadRequest(str(error), "by") from error
    return {"by": by, "since_ms": since, "until_ms": until, "rows": [usage_row(row) for row in rows]}


async def list_keys(backend: Backend, asked: Asked) -> object:
    now = backend.now_ms()
    return {"keys": [key_row(row, now) for row in await backend.keys()]}


async def create_key(backend: Backend, asked: Asked) -> object:
    assert isinstance(asked.body, CreateKey)
    row, plaintext = await backend.create_key(asked.body.wanted(backend.now_ms()))
    return {"key": plaintext, **key_row(row, backend.now_ms())}


async def rotate_key(backend: Backend, asked: Asked) -> object:
    assert isinstance(asked.body, RotateKey)
    row, plaintext = await backend.rotate_key(asked.path["id"], asked.body.overlap_seconds)
    return {"key": plaintext, **key_row(row, backend.now_ms())}


async def revoke_key(backend: Backend, asked: Asked) -> object:
    return key_row(await backend.revoke_key(asked.path["id"]), backend.now_ms())


async def overlay(backend: Backend, asked: Asked) -> object:
    found, history = await backend.overlay()
    return {**_overlay(found), "history": history}


async def _steer(backend: Backend, asked: Asked, kind: Literal["site", "deployment"]) -> object:
    body = asked.body
    assert isinstance(body, SteerBody)
    steer = Steer(body.state, body.share, body.reason, body.by)
    found, spread = await backend.steer(kind, asked.path["id"], steer, body.expect_version)
    return {**_overlay(found), "workers": spread.workers, "late": spread.late}


async def steer_site(backend: Backend, asked: Asked) -> object:
    return await _steer(backend, asked, "site")


async def steer_deployment(backend: Backend, asked: Asked) -> object:
    return await _steer(backend, asked, "deployment")


async def reload(backend: Backend, asked: Asked) -> object:
    return await backend.reload()


async def estate(backend: Backend, asked: Asked) -> object:
    return backend.estate()


async def placement(backend: Backend, asked: Asked) -> object:
    return await backend.placement(asked.number("seconds", PLACEMENT_SECONDS, PLACEMENT_SECONDS_MAX))


async def explain(backend: Backend, asked: Asked) -> object:
    assert isinstance(asked.body, ExplainBody)
    if (asked.body.model is None) == (asked.body.body is None):
        raise BadRequest("give either model or body", "model")
    return await backend.explain(asked.body.question())


async def decisions(backend: Backend, asked: Asked) -> object:
    request = asked.query.get("request", "")
    if not request:
        trails = await backend.recent(asked.number("limit", 20, RECENT_MAX))
        return {"requests": [trail_row(trail) for trail in trails]}
    trail = await backend.trail(request)
    if trail is None:
        text = f"no request {request!r} in the store; the newest take up to a second to arrive"
        raise problems.NotFound(text, "the id is in the x-polycloud-request header of the answer")
    return {"requests": [trail_row(trail)]}
