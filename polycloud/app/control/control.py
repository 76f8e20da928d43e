"""What the control process knows and does: the backend of the admin API, and the voice that workers hear.

Store and estate are read in threads; what follows from a change is pushed in the order of the changes
(one lock), so a worker never goes back to an older value.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Literal

import msgspec

from polycloud.app.adapters import faces
from polycloud.app.api.backend import Question, Reloaded, Spread
from polycloud.app.control.credentials import Credentials
from polycloud.app.control.estates import Estates, InForce
from polycloud.app.control.health import Health
from polycloud.app.control.link import LinkServer
from polycloud.app.control.log import Log
from polycloud.app.control.metrics import Gauges, Metrics
from polycloud.app.control.placing import Placing
from polycloud.app.control.ports import Store
from polycloud.app.control.promises import targets
from polycloud.app.control.questions import answer
from polycloud.app.control.tokens import AdminToken
from polycloud.app.nearest import unknown
from polycloud.app.settings import Settings, is_loopback
from polycloud.core.clock import Clock
from polycloud.core.errors import BadRequest, EstateError, PolycloudError, Unavailable
from polycloud.core.money import pico_as_dollars
from polycloud.core.ports.models import Credential
from polycloud.core.ports.state import KeyRow, Measured, NewKey, NoSuchKey, Trail, UsageRow
from polycloud.gateway import link
from polycloud.gateway.explain import Explanation
from polycloud.gateway.routes import View, caller_region
from polycloud.policy.overlay import Overlay, Steer
from polycloud.policy.tables import Principal, mask, matches

SPREAD_SECONDS = 2.0  # workers take a change within milliseconds; one that is late is named, not waited for
HISTORY = 50  # changes of the overlay that an answer shows
DEMO_KEY_ID = "demo"


class UnknownTarget(BadRequest):
    """The estate has no site or deployment of this name."""

    code = "not_found"
    status = 404

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


class Control:
    """The state of the control process. ``credentials`` and ``health`` push through it."""

    def __init__(
        self, settings: Settings, store: Store, estates: Estates, token: AdminToken, clock: Clock, log: Log
    ) -> None:
        self._settings = settings
        self._store = store
        self._estates = estates
        self._token = token
        self._clock = clock
        self._log = log
        self._order = asyncio.Lock()
        self._loading = asyncio.Lock()
        self._overlay = Overlay()
        self._keys: dict[str, KeyRow] = {}
        self._demo = ""
        self._served: InForce | None = None  # whose tables workers were given
        self._placing = Placing(settings.estate, settings.environment)
        self._faces = {name.decode(): face for name, face in faces().items()}
        self.link = LinkServer(settings.link, log, lambda: None)
        self.figures = Metrics(clock, self._gauges)
        self.credentials: Credentials
        self.health = Health(log, self.push_health, seed=int(clock.wall()))

    # what workers hear

    def push_credentials(self, held: dict[str, Credential]) -> None:
        self.link.push("credentials", link.SetCredentials(held))

    def push_health(self, down: tuple[str, ...]) -> None:
        self.link.push("health", link.SetHealth(down))

    async def begin(self) -> None:
        """Push the overlay that the store holds. Keys come with the estate: before, the sandbox's own is not known,
        and workers that outlived another control process would drop it. Raises StoreAway."""
        async with self._order:
            self._overlay = await asyncio.to_thread(self._store.overlay.read)
            self.link.push("overlay", link.SetOverlay(self._overlay))

    async def _push_keys(self) -> str:
        """All keys in force, the sandbox's own among them. The caller holds the lock.

        While tables change, a key must be good under the old ones and the new ones: the limits of a team that
        either does not know would not hold, and the sandbox's key would open a real cloud.
        """
        now = self.now_ms()
        version, rows = await asyncio.to_thread(self._store.keys.in_force, now)
        known = [e for e in (self._estates.current, self._served) if e is not None]
        rows = [row for row in rows if all(row.team in e.tables.teams for e in known)]
        principals = [_principal(row) for row in rows]
        demo, self._demo = demo_key(self._estates.current, self._settings.host)
        if demo is not None and all(demo_key(e, self._settings.host)[0] == demo for e in known):
            principals.append(demo)
        self._keys = {row.id: row for row in rows}
        self.link.push("keys", link.SetKeys(version, tuple(principals)))
        return str(version)

    async def reload(self) -> Reloaded:
        """Take the estate as its files say it now. Raises EstateError, Unavailable: the old one then stays."""
        async with self._loading:  # not the order of pushes: a proof can take seconds, a revoked key can not wait
            try:
                new = await asyncio.to_thread(self._estates.load)
            except PolycloudError as error:
                self._estates.refuse(error)
                if self._estates.current is None and isinstance(error, EstateError):
                    await self._stand_in()
                raise
            self._estates.take(new)
            changed = await self._enforce(new)
            await asyncio.to_thread(self._estates.keep, new)
        return Reloaded(
            version=new.tables.version,
            changed=changed,
            paths_proved=new.paths_proved,
            warnings=tuple(str(d) for d in new.warnings if d.severity == "warning"),
            spread=await self._spread("tables", new.tables.version),
        )

    async def _stand_in(self) -> None:
        """This process began beside files with an error: go on with what was in force, or credentials would run out."""
        kept = await asyncio.to_thread(self._estates.last)
        if kept is not None:
            self._estates.stand_in(kept)
            await self._enforce(kept)

    async def _enforce(self, new: InForce) -> bool:
        """Bring what ``_estates`` took to the workers; whether it is another than they had of this process."""
        self._follow(new)
        changed = self._served is None or self._served.tables.version != new.tables.version
        async with self._order:
            await asyncio.to_thread(self._store.keys.touch)
            await self._push_keys()
        if changed:
            await self.credentials.settle()
            self.link.push("tables", link.SetTables(new.data))
            self._served = new
            await self._spread("tables", new.tables.version)
            async with self._order:
                await self._push_keys()
            self._log.info("estate.taken", version=new.tables.version, paths_proved=new.paths_proved)
            await asyncio.to_thread(
                self._store.records.took_estate,
                new.tables.version,
                new.estate.estate,
                new.paths_proved,
                new.at_ms,
            )
        return changed

    def _follow(self, new: InForce) -> None:
        names = {d.credential for d in new.tables.deployments if d.credential}
        base = (new.loaded.files[0] if new.loaded.files else self._settings.estate).parent
        self.credentials.want(names, new.estate, base)
        self.health.watch(new.tables.deployments)

    async def _spread(self, kind: str, version: str) -> Spread:
        late = await self.link.settled(kind, version, SPREAD_SECONDS)
        return Spread(len(self.link.workers), late)

    # the backend of the admin API

    def now_ms(self) -> int:
        return int(self._clock.wall() * 1000)

    def authorized(self, token: str) -> bool:
        return self._token.matches(token)

    def open_metrics(self) -> bool:
        return is_loopback(self._settings.host)

    def unready(self) -> list[str]:
        current = self._estates.current
        if current is None:
            return ["no estate is in force" + (": it has errors" if self._estates.refusal else "")]
        version = current.tables.version
        late = [p.worker for p in self.link.workers if p.applied.get("tables") != version]
        missing = [f"worker {name} has not taken the estate" for name in late]
        return missing if self.link.workers else ["no worker is there"]

    def metrics(self) -> bytes:
        return self.figures.exposition()

    def _gauges(self) -> Gauges:
        peers = self.link.workers
        current = self._estates.current
        blocked: dict[str, int] = {}
        for peer in peers:
            for deployment in peer.beat.breakers if peer.beat else ():
                blocked[deployment] = blocked.get(deployment, 0) + 1
        return Gauges(
            in_flight={p.worker: p.beat.in_flight for p in peers if p.beat},
            connections={p.worker: p.beat.connections for p in peers if p.beat},
            unrecorded={p.worker: p.beat.unrecorded for p in peers if p.beat},
            unwritten={p.worker: int(bool(p.beat.unwritten)) for p in peers if p.beat},
            breakers=blocked,
            down=self.health.down,
            credentials_expire={t.name: t.expires_at for t in self.credentials.told()},
            estate=current.tables.version if current else "",
            estate_refused=bool(self._estates.refusal),
            overlay_version=self._overlay.version,
            keys=len(self._keys),
        )

    async def status(self, window_seconds: float) -> dict[str, object]:
        now = self.now_ms()
        since = now - int(window_seconds * 1000)
        measured = await asyncio.to_thread(self._store.ledger.measured, since, now + 1)
        current = self._estates.current
        promised = []
        if current is not None:
            promised = await asyncio.to_thread(targets, current.estate, current.tables, self._store.ledger, now)
        return {
            "estate": None if current is None else _estate_facts(current),
            "refused": {"message": self._estates.refusal, "findings": [str(d) for d in self._estates.refused]},
            "ready": not self.unready(),
            "overlay": self._overlay,
            "targets": promised,
            "window_seconds": window_seconds,
            "measured": [_measured(row) for row in measured],
            "workers": [
                {"worker": p.worker, "pid": p.pid, "applied": p.applied, "errors": p.errors, "beat": p.beat}
                for p in self.link.workers
            ],
            "down": self.health.down,
            "credentials": self.credentials.told(),
            "demo_key": self._demo,
        }

    async def usage(self, by: Sequence[str], since_ms: int, until_ms: int, where: dict[str, str]) -> list[UsageRow]:
        return await asyncio.to_thread(self._store.ledger.usage, by, since_ms, until_ms, where)

    async def keys(self) -> list[KeyRow]:
        return await asyncio.to_thread(self._store.keys.all)

    async def create_key(self, wanted: NewKey) -> tuple[KeyRow, str]:
        self._check_key(wanted)
        async with self._order:
            made = await asyncio.to_thread(self._store.keys.create, wanted, self.now_ms())
            version = await self._push_keys()
        await self._spread("keys", version)  # so that the key works when its owner reads it
        return made

    def _check_key(self, wanted: NewKey) -> None:
        current = self._estates.current
        if current is None:
            raise Unavailable("no estate is in force, so no team is known; mend the estate first")
        tables = current.tables
        if wanted.team not in tables.teams:
            raise UnknownTarget(unknown("team", wanted.team, tables.teams.keys()), "teams stand in the estate")
        for name in wanted.classes:
            if name not in tables.classes:
                raise BadRequest(f"no data class {name!r} in the estate (known: {', '.join(tables.classes) or 'none'})")
        known = {*tables.models, *tables.aliases, *(name for route in tables.routes for name in route.match)}
        for pattern in wanted.models:
            if not any(matches(name, (pattern,)) for name in known):
                raise BadRequest(unknown("model, alias or tier", pattern, known))
        caller_region(tables, wanted.region)

    async def rotate_key(self, id: str, overlap_seconds: float) -> tuple[KeyRow, str]:
        async with self._order:
            overlap_ms = int(overlap_seconds * 1000)
            made = await asyncio.to_thread(self._store.keys.rotate, id, overlap_ms, self.now_ms())
            version = await self._push_keys()
        await self._spread("keys", version)
        return made

    async def revoke_key(self, id: str) -> KeyRow:
        async with self._order:
            row = await asyncio.to_thread(self._store.keys.revoke, id, self.now_ms())
            version = await self._push_keys()
        await self._spread("keys", version)
        return row

    async def overlay(self) -> tuple[Overlay, list[dict[str, object]]]:
        changes = await asyncio.to_thread(self._store.overlay.history, HISTORY)
        return self._overlay, [
            {
                "version": c.version,
                "at_ms": c.at_ms,
                "kind": c.kind,
                "target": c.target,
                **msgspec.structs.asdict(c.steer),
            }
            for c in changes
        ]

    async def steer(
        self, kind: Literal["site", "deployment"], target: str, steer: Steer, expect_version: int | None
    ) -> tuple[Overlay, Spread]:
        self._check_target(kind, target)
        async with self._order:
            overlay = await asyncio.to_thread(
                self._store.overlay.change, kind, target, steer, self.now_ms(), expect_version
            )
            self._overlay = overlay
            self.link.push("overlay", link.SetOverlay(overlay))
        self._log.info("overlay.changed", version=overlay.version, target=target, state=steer.state, by=steer.by)
        return overlay, await self._spread("overlay", str(overlay.version))

    def _check_target(self, kind: Literal["site", "deployment"], target: str) -> None:
        current = self._estates.current
        if current is None:
            return  # with a broken estate traffic must still be movable; the name is taken as it is
        overlay = self._overlay.sites if kind == "site" else self._overlay.deployments
        known = current.estate.site_ids() if kind == "site" else tuple(d.id for d in current.tables.deployments)
        if target not in known and target not in overlay:
            shown = (
                "`polycloud sites list` shows the sites, "
                "`polycloud explain request --model MODEL` the deployments of a model"
            )
            raise UnknownTarget(unknown(kind, target, known), shown)

    def estate(self) -> dict[str, object]:
        current = self._in_force()
        shown: dict[str, object] = current.estate.model_dump(mode="json", exclude={"sandbox": {"key"}})
        return {**_estate_facts(current), "config": shown}

    def _in_force(self) -> InForce:
        if self._estates.current is None:
            raise Unavailable("no estate is in force" + (f": {self._estates.refusal}" if self._estates.refusal else ""))
        return self._estates.current

    async def placement(self, seconds: int) -> msgspec.Raw:
        return await self._placing.placement(self._in_force().tables.version, seconds)

    async def explain(self, question: Question) -> Explanation:
        current = self._in_force()
        key = self._keys.get(question.key)
        if question.key and key is None:
            raise NoSuchKey(f"no key {question.key!r} is in force")
        face = self._faces["/v1/chat/completions" if question.face == "openai" else "/v1/messages"]
        view = View(current.compiled, self._overlay, self.health.down, *self._blocked(current))
        return answer(question, key, face, current.compiled, view)

    def _blocked(self, current: InForce) -> tuple[int, int]:
        """Whose breaker is open at a worker, and who only cools, as masks. One that is half open takes a call."""
        index = current.compiled.index
        told = [(id, s) for p in self.link.workers if p.beat for id, s in p.beat.breakers.items() if id in index]
        cooling = mask({index[id] for id, state in told if state == "cooling"})
        broken = mask({index[id] for id, state in told if state == "open"})
        return broken, cooling & ~broken

    async def trail(self, request: str) -> Trail | None:
        return await asyncio.to_thread(self._store.ledger.trail, request)

    async def recent(self, limit: int) -> list[Trail]:
        return await asyncio.to_thread(self._store.ledger.recent, limit)


def demo_key(current: InForce | None, host: str) -> tuple[Principal | None, str]:
    """The sandbox's key while it may be used, and a word on it. It is never stored.

    Everybody knows such a key, so it opens nothing real: every cloud must be simulated, and the address
    must be this machine's own.
    """
    sandbox = current.estate.sandbox if current is not None else None
    if current is None or sandbox is None or not sandbox.key:
        return None, ""
    used = [name for name, _ in current.estate.clouds.each()] + (["onprem"] if current.estate.onprem else [])
    real = [name for name in used if not sandbox.covers(name)]
    if real or not current.tables.simulated:
        return None, f"refused: {', '.join(real) or 'a deployment'} is real; make a key with `polycloud keys create`"
    if not is_loopback(host):
        return None, f"refused: {host} is not a loopback address; make a key with `polycloud keys create`"
    digest = hashlib.sha256(sandbox.key.encode()).digest()
    return Principal(DEMO_KEY_ID, digest, sandbox.team or ""), "in force"


def _principal(row: KeyRow) -> Principal:
    return Principal(
        id=row.id,
        digest=row.digest,
        team=row.team,
        models=row.models,
        classes=row.classes,
        requests_per_minute=row.requests_per_minute,
        region=row.region,
        expires_at=0.0 if row.expires_ms is None else row.expires_ms / 1000,
    )


def _measured(row: Measured) -> dict[str, object]:
    shown: dict[str, object] = msgspec.structs.asdict(row)
    del shown["cost_pico_usd"]
    return {**shown, "cost_usd": f"{pico_as_dollars(row.cost_pico_usd):f}"}


def _estate_facts(current: InForce) -> dict[str, object]:
    return {
        "name": current.estate.estate,
        "version": current.tables.version,
        "since_ms": current.at_ms,
        "paths_proved": current.paths_proved,
        "simulated": current.tables.simulated,
        "warnings": [str(d) for d in current.warnings if d.severity == "warning"],
        "kept": current.kept,
    }
