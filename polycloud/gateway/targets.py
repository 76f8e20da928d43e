"""Deployments made ready for the wire, and the generation of tables that they belong to."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from polycloud.core.chat import Need
from polycloud.core.errors import KeyRefused, Unauthorized
from polycloud.core.ports.models import Credential, Dialect, ModelPort
from polycloud.gateway.address import host_of
from polycloud.gateway.client import Origin
from polycloud.gateway.dialects.openai_chat_write import is_openai
from polycloud.gateway.routes import View
from polycloud.policy.overlay import Overlay
from polycloud.policy.tables import Compiled, Deployment, Principal, Tables, Team, bits, mask

USER_AGENT = "polycloud"
ELIGIBLE_SHOWN_MAX = 12  # a header names so many; the record names all
ELIGIBLE_KEPT_MAX = 1024
NO_TEAM = Team(name="")  # of keys that belong to none
NO_CREDENTIAL = Credential(kind="none")
NO_HEADERS: Mapping[str, str] = {}


class Target:
    """One deployment: its origin, its request heads (whole and streamed), its authorization."""

    __slots__ = (  # noqa: RUF023 - private state last
        "deployment", "dialect", "heads", "known", "lacks", "origin", "paths", "port", "reply", "strict", "unsampled",
        "_authorization", "_authorized",
    )  # fmt: skip

    def __init__(self, deployment: Deployment, port: ModelPort, dialect: Dialect) -> None:
        self.deployment = deployment
        self.port = port
        self.dialect = dialect
        self.known = deployment.upstream.known or deployment.upstream.model
        # It refuses temperature and top-p, and some such models even the values that hold anyway.
        self.unsampled = not deployment.can & Need.TEMPERATURE
        # What is left out of a request that does not need it: the usual temperature, the wish not to think.
        self.lacks = int((Need.TEMPERATURE | Need.REASONING) & ~deployment.can)
        self.strict = deployment.upstream.dialect == "openai_chat" and is_openai(self.known)
        url = urlsplit(deployment.upstream.base_url)
        tls = url.scheme == "https"
        host = url.hostname or ""
        self.origin = Origin(tls, host, url.port or (443 if tls else 80))
        self.paths = tuple(port.path(deployment.upstream, stream) for stream in (False, True))
        self.heads = tuple(self._head(stream) for stream in (False, True))
        self.reply = f"x-polycloud-deployment: {deployment.id}\r\n".encode() + (
            b"x-polycloud-simulated: true\r\n" if deployment.simulated else b""
        )
        self._authorized: Credential | None = None
        self._authorization = b""

    def _head(self, stream: bool) -> bytes:
        headers = {
            "host": host_of(self.deployment.upstream.base_url),
            "user-agent": USER_AGENT,
            **self.port.headers(self.deployment.upstream, stream),
        }
        return f"POST {self.paths[stream]} HTTP/1.1\r\n".encode() + lines(headers)

    def request(
        self,
        body: bytes,
        stream: bool,
        credential: Credential | None,
        now: float,
        told: Mapping[str, str] = NO_HEADERS,
    ) -> bytes:
        """The whole request, signed. ``told``: headers of this request alone, which no signature covers. Raises
        Unauthorized when there is no usable credential."""
        if credential is None:
            if self.deployment.credential:
                raise Unauthorized(f"no credential {self.deployment.credential!r} for {self.deployment.id} yet")
            credential = NO_CREDENTIAL
        if credential is self._authorized:
            authorization = self._authorization
        else:
            if credential.expires_at and credential.expires_at <= now:
                raise Unauthorized(f"the credential of {self.deployment.id} has expired")
            upstream = self.deployment.upstream
            authorization = lines(self.port.authorize(upstream, self.paths[stream], body, credential, now))
            if self.port.stable_authorization(credential) and not credential.expires_at:
                self._authorized, self._authorization = credential, authorization
        if told:
            authorization += lines(told)
        return b"%b%bcontent-length: %d\r\n\r\n%b" % (self.heads[stream], authorization, len(body), body)

    def evidence(self, headers: Mapping[bytes, bytes]) -> tuple[str, str]:
        """What the provider says of where it worked: (region, its request id)."""
        return self.port.evidence(Texts(headers))


class Texts(Mapping[str, str]):
    """Headers as text, each decoded when it is asked for: an answer has twenty, and one or two are read."""

    __slots__ = ("_headers",)

    def __init__(self, headers: Mapping[bytes, bytes]) -> None:
        self._headers = headers

    def __getitem__(self, name: str) -> str:
        return self._headers[name.encode("latin-1")].decode("latin-1")

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
        """As a mapping's, without the exception that the mixed-in one would raise and catch."""
        value = self._headers.get(name.encode("latin-1"))
        return default if value is None else value.decode("latin-1")

    def __iter__(self) -> Iterator[str]:
        return (name.decode("latin-1") for name in self._headers)

    def __len__(self) -> int:
        return len(self._headers)


class Eligible(NamedTuple):
    """A set of deployments as records and callers see it."""

    ids: tuple[str, ...]
    header: bytes


def lines(headers: Mapping[str, str]) -> bytes:
    """Header lines. A line break in a value would start a header of its own, so it is refused."""
    text = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    if text.count("\r") + text.count("\n") != 2 * len(headers):
        raise ValueError("a header value holds a line break")
    return text.encode("latin-1")


class Generation:
    """One version of the tables with its targets; a request keeps the one that it began with."""

    def __init__(
        self,
        tables: Tables,
        ports: Callable[[str], ModelPort],
        dialects: Mapping[str, Dialect],
    ) -> None:
        """``ports`` gives the adapter of a name, loading it on first use. Raises KeyError or ImportError
        for an adapter or dialect that is not there: the tables are then not taken."""
        self.compiled = Compiled(tables)
        self.targets = tuple(Target(d, ports(d.adapter), dialects[d.upstream.dialect]) for d in tables.deployments)
        self.policy = tables.version[:16]
        self.view = View(self.compiled, Overlay())
        self._eligible: dict[int, Eligible] = {}

    def team_of(self, principal: Principal) -> Team:
        """The team whose limits and classes hold for a key. Raises KeyRefused when the estate no longer has it: a
        key whose team is gone must not be freer than before."""
        found = self.compiled.tables.teams.get(principal.team)
        if found is not None:
            return found
        if principal.team:
            raise KeyRefused(f"key {principal.id} belongs to team {principal.team!r}, which this estate does not have")
        return NO_TEAM

    def eligible(self, chosen: int) -> Eligible:
        """The names of a mask, kept because few masks occur."""
        found = self._eligible.get(chosen)
        if found is None:
            ids = tuple(self.compiled.deployments[i].id for i in bits(chosen))
            found = Eligible(ids, b"x-polycloud-eligible: %b\r\n" % ",".join(ids[:ELIGIBLE_SHOWN_MAX]).encode())
            if len(self._eligible) >= ELIGIBLE_KEPT_MAX:
                self._eligible.clear()
            self._eligible[chosen] = found
        return found

    def look(self, overlay: Overlay, down: frozenset[str], blocked: set[str], cooling: set[str]) -> None:
        """Take in what can be used now; of the ``blocked`` those that are ``cooling`` were throttled."""
        self.view = View(self.compiled, overlay, down, self._mask(blocked - cooling), self._mask(cooling))

    def last_resort(self, overlay: Overlay, paused: set[str]) -> View:
        """What is left when nothing can be used: breakers and active checks may be wrong, people's word and a
        provider's (those ``paused``) hold."""
        return View(self.compiled, overlay, cooling=self._mask(paused))

    def _mask(self, deployments: set[str]) -> int:
        index = self.compiled.index
        return mask(index[name] for name in deployments if name in index)
