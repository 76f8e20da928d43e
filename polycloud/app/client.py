"""A client of a running gateway and its admin API: plain HTTP/1.1 to one address, bounded in time and size.

No proxy variable and no redirect can send a key elsewhere: the connection is made by hand.
"""

import http.client
import json
import ssl
from collections.abc import Generator, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from polycloud.app.answers import (
    DecisionsAnswer,
    EstateAnswer,
    KeyFacts,
    KeysAnswer,
    NewKeyAnswer,
    OverlayAnswer,
    ReloadAnswer,
    StateName,
    StatusAnswer,
    SteerAnswer,
    UsageAnswer,
)
from polycloud.app.calling import CALL_SECONDS, Call, Called, called, events, text_of, usage_of
from polycloud.core.errors import BadRequest, NotRunning, Refused
from polycloud.gateway.explain import Explanation

T = TypeVar("T")
ADMIN_SECONDS = 30.0  # a reload checks, compiles and proves; the rest answers at once
ANSWER_BYTES_MAX = 64 * 1024 * 1024
ERROR_CHARS_MAX = 2000


class Answer(NamedTuple):
    """A whole answer. ``headers`` by lower-case name."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Raises Refused when the body is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Refused(f"the answer is not JSON (status {self.status})", self.status) from error

    def read(self, kind: type[T]) -> T:
        """The body as a ``kind``. Raises Refused when it tells an error or is of another form."""
        if self.status >= 400:
            raise Refused(said(self), self.status)
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refused(f"not an answer of this version (status {self.status}): {error}", self.status) from error


class Address:
    """One HTTP origin, such as ``http://127.0.0.1:8080``. Raises ValueError for anything else."""

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:  # brackets that do not close, a port that is none
            whole = False
        if not whole:
            raise ValueError(f"{url!r} is not an http:// or https:// address")
        self.url = url.rstrip("/")
        self._parts = parts

    @contextmanager
    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = 30.0,
    ) -> Iterator[http.client.HTTPResponse]:
        """One request; the answer's body is still to be read. Raises NotRunning, Refused, and BadRequest for what
        HTTP or JSON can not carry."""
        connection = self._connection(seconds)
        try:
            data = None if body is None else json.dumps(body, allow_nan=False).encode()
        except ValueError as error:
            raise BadRequest(f"this can not be sent: {error}") from error
        sent = {
            "accept": "application/json",
            **({"content-type": "application/json"} if data else {}),
            **(headers or {}),
        }
        try:
            try:
                connection.request(method, self._parts.path.rstrip("/") + path, data, sent)
                answer = connection.getresponse()
            except ValueError as error:  # of a header: a line break, or a letter that Latin-1 does not have
                raise BadRequest("a key, class or region holds a character that no header can carry") from error
            except ConnectionRefusedError as error:
                raise NotRunning(f"nothing answers at {self.url}; start it with `polycloud up`") from error
            except (OSError, http.client.HTTPException) as error:
                raise NotRunning(f"{self.url} does not answer: {type(error).__name__} {error}".rstrip()) from error
            with answer:  # it has the socket when it is to end with the connection
                yield answer
        finally:
            connection.close()

    def whole(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = 30.0,
    ) -> Answer:
        """One request with its whole answer, of any status. Raises NotRunning, Refused."""
        with self.ask(method, path, body, headers, seconds) as answer:
            try:
                data = answer.read(ANSWER_BYTES_MAX)
            except (OSError, http.client.HTTPException) as error:
                raise NotRunning(f"{self.url} stopped in mid-answer: {type(error).__name__}") from error
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, data)

    def _connection(self, seconds: float) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=seconds, context=ssl.create_default_context())
        return http.client.HTTPConnection(host, port, timeout=seconds)


class Streamed(Iterator[str]):
    """The text of an answer, piece by piece as it comes; ``answer`` is there once all of it was read. Leaving its
    ``with``, or ``close``, ends the connection, and with it what the provider still writes. Reading raises Refused for
    an error within the stream and NotRunning for one that breaks off: a text that ends without either is whole."""

    def __init__(self, asked: AbstractContextManager[http.client.HTTPResponse]) -> None:
        self._open = ExitStack()
        self._answer: Called | None = None
        with ExitStack() as opened:
            self._http = opened.enter_context(asked)
            self._headers = {k.lower(): v for k, v in self._http.getheaders()}
            if self._http.status != 200:
                data = self._http.read(ANSWER_BYTES_MAX)
                raise Refused(said(Answer(self._http.status, self._headers, data)), self._http.status)
            self._open = opened.pop_all()
        self._pieces = self._read()

    @property
    def request(self) -> str:
        """What names its records, known before the text."""
        return self._headers.get("x-polycloud-request", "")

    @property
    def answer(self) -> Called:
        """The whole answer, as ``Client.call`` gives it. Raises BadRequest before the text was read to its end."""
        if self._answer is None:
            raise BadRequest("the answer was not read to its end")
        return self._answer

    def close(self) -> None:
        self._open.close()
        self._pieces.close()

    def _read(self) -> Generator[str, None, None]:
        text: list[str] = []
        usage: dict[str, Any] = {}
        with self._open:
            try:
                for event in events(self._http):
                    if "error" in event:
                        raise Refused(said(Answer(200, self._headers, json.dumps(event).encode())), 200)
                    usage |= usage_of(event)
                    if piece := text_of(event):
                        text.append(piece)
                        yield piece
            except (OSError, http.client.HTTPException) as error:
                raise NotRunning(f"the answer broke off: {type(error).__name__}") from error
        self._answer = called(self._headers, {"content": [{"text": "".join(text)}], "usage": usage})

    def __next__(self) -> str:
        return next(self._pieces)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class Client:
    """A running instance: its admin API, and model traffic with ``key``. Every method may raise NotRunning and Refused.

    Answers have the types of ``polycloud.app.answers``; one that does not fit them is Refused.
    """

    def __init__(self, url: str, admin_token: str = "", key: str = "") -> None:
        self._key = key
        self._address = Address(url)
        self._headers = {"authorization": f"Bearer {admin_token}"} if admin_token else {}

    @property
    def url(self) -> str:
        return self._address.url

    def status(self) -> StatusAnswer:
        """Targets beside what was measured, sites, workers and breakers."""
        return self._get("/admin/status", StatusAnswer)

    def usage(
        self, by: tuple[str, ...] = ("team", "model", "cloud"), since: str = "24h", until: str = ""
    ) -> UsageAnswer:
        """Sums of requests, tokens and cost by ``by``; ``since`` and ``until`` are ages such as ``24h`` or Unix
        seconds; no ``until``: now."""
        asked = {"by": ",".join(by), "since": since, **({"until": until} if until else {})}
        return self._get("/admin/usage?" + urlencode(asked), UsageAnswer)

    def keys(self) -> KeysAnswer:
        """All gateway keys, without their secrets."""
        return self._get("/admin/keys", KeysAnswer)

    def create_key(self, **wanted: object) -> NewKeyAnswer:
        """A new key for ``team``; the answer holds its plaintext, which is not shown again."""
        body = {k: v for k, v in wanted.items() if v is not None}
        return self._send("POST", "/admin/keys", body, NewKeyAnswer)

    def revoke_key(self, key: str) -> KeyFacts:
        """Ends a key now."""
        return self._send("DELETE", f"/admin/keys/{quote(key)}", None, KeyFacts)

    def rotate_key(self, key: str, overlap_seconds: float = 86400.0) -> NewKeyAnswer:
        """A new key with the same rights; the old one works on for the overlap."""
        body = {"overlap_seconds": overlap_seconds}
        return self._send("POST", f"/admin/keys/{quote(key)}/rotate", body, NewKeyAnswer)

    def overlay(self) -> OverlayAnswer:
        """The site overlay: what is draining, failed or has a share of its own."""
        return self._get("/admin/overlay", OverlayAnswer)

    def estate(self) -> EstateAnswer:
        """The estate in force, all layers merged, without secrets."""
        return self._get("/admin/estate", EstateAnswer)

    def placement(self, seconds: int = 10) -> dict[str, object]:
        """Where all work and data of the estate should be: what ``polycloud place --json`` prints. ``seconds``, up to
        45, end the search."""
        path = "/admin/placement?" + urlencode({"seconds": seconds})
        return self._send("GET", path, None, dict[str, object], 2 * ADMIN_SECONDS + seconds)

    def sites(self) -> list[str]:
        """The ids of all sites of the estate in force."""
        found = msgspec.convert(self.estate()["config"], _Sited)
        clouds = {name: cloud.sites for name, cloud in (found.clouds or {}).items() if cloud}
        halls = [f"onprem/{name}" for name in found.onprem or {}]
        return [f"{cloud}/{region}" for cloud, regions in clouds.items() for region in regions] + halls

    def steer(
        self, target: str, state: StateName, share: float | None = None, reason: str = "", by: str = "admin"
    ) -> SteerAnswer:
        """Sets a site (``aws/us-east-1``) or deployment (``aws/us-east-1/gpt-4o``) serving, draining or failed.
        ``share``: percent in place of its route's share, 0 to 100; none: its route's."""
        kind = "sites" if target.count("/") == 1 else "deployments"
        body = {"state": state, "reason": reason, "by": by, **({} if share is None else {"share": share})}
        return self._send("PUT", f"/admin/{kind}/{quote(target)}", body, SteerAnswer)

    def reload(self) -> ReloadAnswer:
        """Reads the estate anew; an estate with errors changes nothing and says why."""
        return self._send("POST", "/admin/reload", {}, ReloadAnswer)

    def explain(self, request: Mapping[str, object]) -> Explanation:
        """Why a request would go where it would go, by the state of now."""
        return self._send("POST", "/admin/explain", dict(request), Explanation)

    def decisions(self, request: str) -> DecisionsAnswer:
        """The records of one request, by its ``x-polycloud-request``."""
        return self._get("/admin/decisions?" + urlencode({"request": request}), DecisionsAnswer)

    def call(
        self,
        model: str,
        prompt: str,
        *,
        anthropic: bool = False,
        data_class: str = "",
        region: str = "",
        max_tokens: int | None = None,
        key: str = "",
    ) -> Called:
        """Sends one prompt by the OpenAI chat completions or the Anthropic messages API. ``data_class`` can only
        tighten; ``key`` other than the client's own. Raises BadRequest without a key."""
        asked = Call(model, prompt, False, anthropic, data_class, region, max_tokens)
        answer = self._address.whole("POST", asked.path, asked.body, asked.headers(key or self._key), CALL_SECONDS)
        return called(answer.headers, answer.read(dict[str, object]))

    def stream(
        self,
        model: str,
        prompt: str,
        *,
        anthropic: bool = False,
        data_class: str = "",
        region: str = "",
        max_tokens: int | None = None,
        key: str = "",
    ) -> Streamed:
        """The same, with the text piece by piece as it comes: ``with client.stream(…) as pieces``. Raises Refused when
        no provider began to answer, and BadRequest without a key."""
        asked = Call(model, prompt, True, anthropic, data_class, region, max_tokens)
        headers = asked.headers(key or self._key)
        return Streamed(self._address.ask("POST", asked.path, asked.body, headers, CALL_SECONDS))

    def ready(self) -> bool:
        """Whether the gateway serves requests."""
        try:
            return self._address.whole("GET", "/readyz", seconds=2.0).status == 200
        except NotRunning:
            return False

    def _get(self, path: str, kind: type[T]) -> T:
        return self._send("GET", path, None, kind)

    def _send(self, method: str, path: str, body: object, kind: type[T], seconds: float = ADMIN_SECONDS) -> T:
        return self._address.whole(method, path, body, self._headers, seconds).read(kind)


class _Regions(msgspec.Struct):
    sites: tuple[str, ...] = ()


class _Sited(msgspec.Struct):
    """The parts of an estate that name sites."""

    clouds: dict[str, _Regions | None] | None = None
    onprem: dict[str, object] | None = None


def said(answer: Answer) -> str:
    """The message of an error answer, in whichever of the usual forms it came."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        found = answer.body.decode("utf8", "replace")[:ERROR_CHARS_MAX]
    if isinstance(found, dict):
        found = found.get("error", found.get("message", found))
    if isinstance(found, dict):
        lines = [str(found.get("message", found)), *map(str, found.get("findings") or ())]
        fix = str(found.get("fix") or "")
        found = "\n".join(lines + ([f"    fix: {fix}"] if fix and not fix.startswith("GET /") else []))
    return str(found) or f"status {answer.status}"
