"""Limits on units in use at the same time: what halls have installed, and what clouds let us use."""

from math import ceil

from polycloud.estate.paths import KeyPath
from polycloud.placement.build.ground import Ground
from polycloud.placement.build.machines import VCPU, Machine
from polycloud.placement.problem import Quota

MODEL = "model:"


class Quotas:
    """All limits of a plan by site, in the order of the estate, and what a number of machines takes of each."""

    def __init__(self, ground: Ground) -> None:
        self.rows: list[Quota] = []
        self.paths: dict[str, KeyPath] = {}
        self._ground = ground
        self._by_site: dict[str, list[tuple[int, str, frozenset[str]]]] = {}
        for name, hall in ground.estate.onprem.items():
            for kind, count in hall.accelerators.items():
                self._add(f"onprem/{name}", kind, count, f"{kind} installed", ("onprem", name, "accelerators", kind))
            if hall.vcpus is not None:
                self._add(f"onprem/{name}", VCPU, hall.vcpus, "vCPUs installed", ("onprem", name, "vcpus"))
        for name, quota in ground.estate.quotas.items():
            if quota.what.startswith(MODEL):
                ground.leave("", "", f"quota {name}", "tokens of a model are the gateway's to keep within")
            else:
                self._add(quota.at, quota.what, quota.limit, f"quota {name}", ("quotas", name))

    def _add(self, site: str, what: str, limit: int, label: str, path: KeyPath) -> None:
        if site not in self._ground.index:
            return
        title = label if label.startswith("quota") else f"{site} {label}"
        meant = frozenset(self._ground.market.accelerators_named(what)) | {what}
        self._by_site.setdefault(site, []).append((len(self.rows), what, meant))
        self.rows.append(Quota(title, limit))
        self.paths[title] = path

    def units(self, machine: Machine, count: int) -> tuple[tuple[int, int], ...]:
        """(index, units) of every limit that so many of a machine fall under."""
        found = []
        for at, what, meant in self._by_site.get(machine.site, ()):
            if what == machine.name:
                found.append((at, count))
            elif machine.accelerator and machine.accelerator in meant:
                found.append((at, ceil(count * (machine.accelerators or 1))))
        return tuple(found)

    def broken(self, units: tuple[tuple[int, int], ...]) -> tuple[KeyPath, str] | None:
        """The first limit that these units alone are over."""
        for at, amount in units:
            row = self.rows[at]
            if amount > row.limit:
                return self.paths[row.name], f"{row.name}: {amount} are needed and {row.limit} are allowed"
        return None
