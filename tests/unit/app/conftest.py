"""What the tests of the control process share: clocks set by hand, estates on disk, requests without sockets."""

import asyncio
import json
import logging

import pytest

from polycloud.app.control.log import Log

ESTATE = """
estate: small
onprem:
  hall: {country: DE, lat: 50.1, lon: 8.7, models_at: "http://127.0.0.1:9/v1", credentials: "secret:token"}
  barn: {country: FR, models_at: "http://127.0.0.1:9/v2"}
secrets:
  token: {env: HALL_TOKEN}
residency: {default_class: general}
data_classes:
  general: {description: No limits.}
  personal: {stay_in: [DE]}
models:
  llama:
    deployments:
      - {at: onprem/hall}
      - {at: onprem/barn}
teams:
  demo: {models: ["*"]}
  other: {classes: [personal]}
slos:
  up: {measure: availability, target: 99 %}
  quick: {measure: latency, target: 95 %, within: 100ms}
"""


class HandClock:
    def __init__(self, now=1_800_000_000.0):
        self.now = now

    def wall(self):
        return self.now

    def monotonic(self):
        return self.now


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def log():
    return Log(logging.getLogger("polycloud.test"))


@pytest.fixture
def estate_file(tmp_path):
    path = tmp_path / "estate.yaml"
    path.write_text(ESTATE)
    return path


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


async def ask(app, method, path, body=None, token="", query=""):
    """One request to an ASGI application, without a server."""
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
        "raw_path": path.encode(), "query_string": query.encode(), "headers": headers, "scheme": "http",
        "server": ("localhost", 80), "client": None, "root_path": "",
    }  # fmt: skip
    sent, told = [{"type": "http.request", "body": data, "more_body": False}], []

    async def receive():
        return sent.pop() if sent else await asyncio.Event().wait()

    async def send(message):
        told.append(message)

    await app(scope, receive, send)
    raw = {k.decode(): v.decode() for k, v in told[0]["headers"]}
    return Answer(told[0]["status"], raw, b"".join(m.get("body", b"") for m in told[1:]))


@pytest.fixture
def asking():
    return ask
