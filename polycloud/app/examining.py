"""What can be said of an estate without starting it: checked, compiled, and proved over the compiled tables."""

from collections.abc import Mapping
from datetime import date

import msgspec

from polycloud.catalog import Catalog
from polycloud.core.diagnostics import Diagnostic
from polycloud.core.errors import EstateError
from polycloud.estate import Loaded, check
from polycloud.policy.compile import compile
from polycloud.policy.prove import Break, Contradiction, Proof, prove
from polycloud.policy.tables import Compiled, Tables


class Examined(msgspec.Struct, frozen=True):
    """An estate with everything that can be said of it without starting it. ``tables`` and ``proof`` are None
    when a step before found errors."""

    loaded: Loaded
    diagnostics: tuple[Diagnostic, ...]
    tables: Tables | None = None
    proof: Proof | None = None

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.diagnostics if d.severity == "error")

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.diagnostics if d.severity == "warning")

    @property
    def holds(self) -> bool:
        """Whether it may come into force: no error, and every path proved."""
        return not self.errors and self.proof is not None and self.proof.holds


def examine(loaded: Loaded, catalog: Catalog, endpoints: Mapping[str, str], today: date) -> Examined:
    """All that must hold before an estate may come into force, with all findings of the steps up to the first that
    failed. ``endpoints``: where simulated sites answer, by site id; none when nothing is started."""
    found = check(loaded, catalog, today)
    if loaded.estate is None or any(d.severity == "error" for d in found):
        return Examined(loaded, found)
    try:
        tables = compile(loaded.estate, catalog, endpoints, loaded.place)
    except EstateError as error:
        return Examined(loaded, (*found, *error.diagnostics))
    proof = prove(Compiled(tables), loaded.estate, catalog)
    doubts = (_contradiction(loaded, c) for c in proof.contradictions if c.certain)
    return Examined(loaded, (*found, *(_broken(loaded, path) for path in proof.breaks), *doubts), tables, proof)


def _broken(loaded: Loaded, path: Break) -> Diagnostic:
    place = loaded.place(("data_classes", path.data_class))
    return Diagnostic("error", "residency_broken", str(path), place, "narrow the deployment's profile or the class")


def _contradiction(loaded: Loaded, found: Contradiction) -> Diagnostic:
    place = loaded.place(("models", found.name))
    return Diagnostic(
        "warning", "residency_contradiction", str(found), place, "add a deployment where the class may be"
    )
