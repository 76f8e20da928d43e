"""Targets of the estate beside what traffic showed."""

from collections.abc import Callable
from fnmatch import fnmatchcase

import msgspec

from polycloud.core.ports.state import Ledger, Measured, Promise
from polycloud.estate import Estate
from polycloud.estate.schema.operations import Slo
from polycloud.policy.tables import Tables

WINDOW_SECONDS = 30 * 86400.0  # what an SLO covers when it does not say
LATER = "not measured by this version"
MEASURES: dict[str, Callable[[float | None], Promise]] = {
    "availability": lambda bound: Promise("availability", bound),
    "error-rate": lambda bound: Promise("error-rate", bound),
    "latency": lambda bound: Promise("latency", bound),
    "first-token": lambda bound: Promise("first-token", bound),
}


class Target(msgspec.Struct, frozen=True):
    """One promise. ``kept`` None: nothing was measured; ``note`` then says why."""

    name: str
    measure: str
    target: str
    measured: str
    kept: bool | None
    over: str
    note: str = ""


def targets(estate: Estate, tables: Tables, ledger: Ledger, now_ms: int) -> list[Target]:
    """Every SLO, and how fast traffic moves when a target fails. Blocks."""
    found = [_slo(name, slo, tables, ledger, now_ms) for name, slo in estate.slos.items()]
    bound = estate.continuity.reroute_within if estate.continuity else None
    if bound is not None:
        since = now_ms - int(WINDOW_SECONDS * 1000)
        overall = ledger.measured(since, now_ms + 1)[0]
        found.append(_reroute(float(bound.value), str(bound), overall))
    return found


def _slo(name: str, slo: Slo, tables: Tables, ledger: Ledger, now_ms: int) -> Target:
    within = f" within {slo.within}" if slo.within is not None else ""
    over = str(slo.window) if slo.window is not None else "30d"
    wanted = f"{slo.target}{within}"
    make = MEASURES.get(slo.measure)
    if make is None or (slo.measure in ("latency", "first-token") and slo.within is None):
        note = LATER if make is None else "give `within`: a latency needs its bound"
        return Target(name, slo.measure, wanted, "", None, over, note)
    models = tuple(m for m in tables.models if any(fnmatchcase(m, p) for p in slo.models)) if slo.models else None
    sites = tuple({d.site for d in tables.deployments if any(fnmatchcase(d.site, p) for p in slo.at)})
    promise = msgspec.structs.replace(
        make(float(slo.within.value) * 1000 if slo.within is not None else None),
        models=models,
        sites=sites if slo.at else None,
    )
    seconds = float(slo.window.value) if slo.window is not None else WINDOW_SECONDS
    good, counted = ledger.kept(promise, now_ms - int(seconds * 1000), now_ms + 1)
    if not counted:
        return Target(name, slo.measure, wanted, "", None, over, "no traffic yet")
    share = good / counted
    # For an error rate small targets are bad shares: `1 %` promises at most that many.
    low = slo.measure == "error-rate" and float(slo.target.value) < 0.5
    measured = 1 - share if low else share
    kept = measured <= float(slo.target.value) if low else measured >= float(slo.target.value)
    return Target(name, slo.measure, wanted, f"{measured:.4%}", kept, over)


def _reroute(bound_seconds: float, text: str, overall: Measured) -> Target:
    took = overall.failover_ms_p95
    if took is None:
        return Target("reroute", "failover time p95", text, "", None, "30d", "no fail-over yet")
    return Target("reroute", "failover time p95", text, f"{took / 1000:.3f}s", took <= bound_seconds * 1000, "30d")
