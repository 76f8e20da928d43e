"""The estate in force, and how another takes its place: read, checked, compiled and proved first, then whole.

A new estate with an error changes nothing: the old one stays in force and the findings are kept for
whoever asks why. What came into force is kept, for a process that begins anew beside files with an error.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import msgspec
from pydantic import ValidationError

from polycloud.app.control.log import Log
from polycloud.app.examining import examine
from polycloud.app.wiring import asked_for
from polycloud.catalog import Catalog
from polycloud.core.clock import Clock
from polycloud.core.diagnostics import Diagnostic
from polycloud.core.errors import EstateError, PolycloudError, Unavailable
from polycloud.core.ports.models import Credential
from polycloud.estate import Estate, Loaded, load
from polycloud.policy.tables import Compiled, Tables, encode


class Sandbox(Protocol):
    """A running sandbox. Methods block and raise Unavailable."""

    def endpoints(self) -> dict[str, str]: ...

    def models(self) -> dict[str, tuple[str, ...]]: ...

    def credentials(self) -> dict[str, Credential]: ...


class Sandboxed:
    """Where simulated sites answer: asked anew at each load, as the sandbox may have been started again."""

    def __init__(self, sandbox: Sandbox | None) -> None:
        self._sandbox = sandbox
        self._known: tuple[dict[str, str], dict[str, Credential]] | None = None

    def endpoints(self, estate: Estate) -> dict[str, str]:
        """Base URLs by site id; empty for an estate without simulated clouds. Raises Unavailable."""
        if not estate.sandbox.clouds or self._sandbox is None:
            self._known = None
            return {}
        self._known = (self._sandbox.endpoints(), self._sandbox.credentials())
        return self._known[0]

    def lacks(self, tables: Tables) -> list[str]:
        """Simulated deployments whose models the sandbox, as it was started, does not serve. Raises Unavailable."""
        if self._sandbox is None or self._known is None:
            return []
        models = self._sandbox.models()
        simulated = [d for d in tables.deployments if d.simulated]
        return [d.id for d in simulated if asked_for(d.upstream) not in models.get(d.site, ())]

    def moved(self) -> bool:
        """Whether the sandbox has other addresses or credentials than at the last load; one that is away has not."""
        if self._sandbox is None or self._known is None:
            return False
        try:
            return (self._sandbox.endpoints(), self._sandbox.credentials()) != self._known
        except Unavailable:
            return False


class _Kept(msgspec.Struct, frozen=True):
    path: str
    environment: str | None
    data: msgspec.Raw


class InForce(msgspec.Struct, frozen=True):
    """An estate with everything that was made of it. ``paths_proved`` counts what the proof walked."""

    loaded: Loaded
    estate: Estate
    compiled: Compiled
    data: bytes
    warnings: tuple[Diagnostic, ...]
    paths_proved: int
    at_ms: int
    kept: bool = False  # the files were refused when this process began: it is what was in force before

    @property
    def tables(self) -> Tables:
        return self.compiled.tables


def enforceable(loaded: Loaded, catalog: Catalog, endpoints: Mapping[str, str], now: float) -> InForce:
    """An estate of which all holds that must hold before it may come into force. ``now`` in Unix seconds. Raises
    EstateError with every finding of the steps up to the one that failed."""
    found = examine(loaded, catalog, endpoints, datetime.fromtimestamp(now, UTC).date())
    estate, tables, proof = loaded.estate, found.tables, found.proof
    if estate is None or tables is None or proof is None or not found.holds:
        raise EstateError(found.diagnostics)
    _all_simulated_are_served(loaded, tables, endpoints)
    return InForce(
        loaded=loaded,
        estate=estate,
        compiled=Compiled(tables),
        data=encode(tables),
        warnings=found.diagnostics,
        paths_proved=proof.paths,
        at_ms=int(now * 1000),
    )


class Estates:
    """Loads estates for the control process; ``load`` blocks and belongs in a thread."""

    def __init__(
        self,
        path: Path,
        environment: str | None,
        sandboxed: Sandboxed,
        clock: Clock,
        log: Log,
        store: Path | None = None,
    ) -> None:
        """``store``: the file in which the estate in force is kept; none is kept without it."""
        self._path = path
        self._store = store
        self._environment = environment
        self._sandboxed = sandboxed
        self._clock = clock
        self._log = log
        self._catalog = Catalog.load()
        self._seen = ""
        self._files: tuple[Path, ...] = (path,)
        self.current: InForce | None = None
        self.refused: tuple[Diagnostic, ...] = ()
        self.refusal = ""

    def changed(self) -> bool:
        """Whether a file of the estate is not as it was at the last ``load``. Cheap: asks for no content."""
        return self._stamp() != self._seen

    def load(self) -> InForce:
        """What the files say now; not yet in force. Raises EstateError, Unavailable."""
        files, before = self._files, self._stamp()
        loaded = load(self._path, self._environment)
        self._files = loaded.files or (self._path,)
        # Stamped before it was read where that can be: a change during the reading is then seen next time.
        self._seen = before if self._files == files else self._stamp()
        endpoints = {} if loaded.estate is None else self._sandboxed.endpoints(loaded.estate)
        new = enforceable(loaded, self._catalog, endpoints, self._clock.wall())
        _is_served(loaded, self._sandboxed.lacks(new.tables))
        return new

    def take(self, new: InForce) -> None:
        self.current, self.refused, self.refusal = new, (), ""

    def keep(self, new: InForce) -> None:
        """Write down what is in force: secrets stand in an estate by reference alone. A disk that is full is told, and
        hinders nothing."""
        if self._store is None:
            return
        beside = self._store.with_suffix(".new")
        data = msgspec.Raw(json.dumps(new.loaded.data).encode())
        try:
            beside.write_bytes(msgspec.json.encode(_Kept(str(self._path), self._environment, data)))
            beside.chmod(0o600)
            beside.replace(self._store)
        except OSError as error:
            self._log.warning("estate.not_kept", error=str(error))

    def last(self) -> InForce | None:
        """What was in force before this process, None when that is not known or holds no longer. Raises Unavailable."""
        if self._store is None:
            return None
        try:
            kept = msgspec.json.decode(self._store.read_bytes(), type=_Kept)
            if (kept.path, kept.environment) != (str(self._path), self._environment):
                return None
            estate = Estate.model_validate_json(bytes(kept.data))
            loaded = Loaded(estate, (), (self._path,), json.loads(bytes(kept.data)))
            found = enforceable(loaded, self._catalog, self._sandboxed.endpoints(estate), self._clock.wall())
        except (OSError, msgspec.DecodeError, ValidationError, EstateError) as error:
            self._log.warning("estate.none_kept", error=str(error).split("\n")[0])
            return None
        return msgspec.structs.replace(found, kept=True)

    def stand_in(self, kept: InForce) -> None:
        """Take what was in force before, while the files are refused."""
        self.current = kept
        self._log.error("estate.kept", version=kept.tables.version, mend=str(self._path))

    def refuse(self, error: PolycloudError) -> None:
        """Keep why the last load failed; what is in force stays so."""
        self.refused = error.diagnostics if isinstance(error, EstateError) else ()
        wrong = [str(d).split("\n")[0] for d in self.refused if d.severity == "error"]
        self.refusal = ": ".join((error.message.split("\n")[0], *wrong[:1]))
        self._log.error("estate.refused", errors=len(wrong), first=wrong[0] if wrong else self.refusal)

    def _stamp(self) -> str:
        """Size, time and place of every file, and the names beside them: a new layer or part is a change too."""
        digest = hashlib.sha256()
        for path in sorted({*self._files, *(file.parent for file in self._files)}):
            try:
                found = path.stat()
                names = sorted(p.name for p in path.iterdir() if p.suffix == ".yaml") if path.is_dir() else []
            except OSError:
                digest.update(f"{path} is away\n".encode())
                continue
            what = names or (found.st_size, found.st_mtime_ns, found.st_ino)
            digest.update(f"{path} {what}\n".encode())
        return digest.hexdigest()


def _all_simulated_are_served(loaded: Loaded, tables: Tables, endpoints: Mapping[str, str]) -> None:
    """A simulated deployment that the sandbox does not serve must never go to the real cloud."""
    _is_served(loaded, sorted({d.site for d in tables.deployments if d.simulated and d.site not in endpoints}))


def _is_served(loaded: Loaded, missing: list[str]) -> None:
    if missing:
        raise EstateError(
            (
                Diagnostic(
                    "error",
                    "sandbox_missing",
                    f"the running sandbox does not serve {', '.join(missing)}",
                    loaded.place(("sandbox",)),
                    "restart `polycloud up`, so that the sandbox is started with them",
                ),
            )
        )
