"""Machines and accelerators: what a site offers at what price, what a name means, how fast a chip is."""

import functools
from collections.abc import Iterable

from polycloud.catalog import market_reading as tables
from polycloud.catalog.market_reading import ANYWHERE
from polycloud.catalog.market_rows import Accelerator, Offer, OwnRows
from polycloud.core.spelling import near

SIMILAR_MAX = 3  # as many suggestions as a person reads
SIMILAR_CUTOFF = 0.6  # difflib's own default for a close match
SPELLINGS_MAX = 12  # several close spellings may be one accelerator
BASELINE = "A100-40GB"  # relative speed 1.0: what the bare word A100 promises at least
MEMORY_BOUND = "inference"  # decoding reads every weight for each token; other kinds are bound by arithmetic


class Machines:
    """Offers by site, and accelerators by any of their names. The user's rows stand before the catalogue's."""

    def __init__(self, own: OwnRows) -> None:
        self._own: dict[str, dict[str, Offer]] = {}
        for row in own.offers:
            self._own.setdefault(row.site, {})[row.machine] = row
        self._own_accelerators = {a.name: a for a in own.accelerators}
        self._typed: dict[str, dict[str, Offer]] = {}  # sites asked for so far; bounded by the sites there are

    # -- offers ------------------------------------------------------------------------------------------

    def _rows_key(self, site_id: str) -> str:
        """Where a site's rows stand: OCI lists one price for all its commercial regions."""
        region = tables.regions().get(site_id)
        if region is not None and region.cloud == "oci" and region.kind == "commercial":
            return f"oci/{ANYWHERE}"
        return site_id

    def by_machine(self, site_id: str) -> dict[str, Offer]:
        if site_id not in self._typed:
            rows = tables.machines_at(self._rows_key(site_id))
            listed = {} if site_id.endswith(f"/{ANYWHERE}") else {r["machine"]: tables.offer(site_id, r) for r in rows}
            self._typed[site_id] = listed | self._own.get(site_id, {})
        return self._typed[site_id]

    def offering(self, accelerator: str) -> tuple[str, ...]:
        """Site ids with at least one machine, priced or not, that has the accelerator by any of its names."""
        wanted = set(self.matching(accelerator))
        found = {site for site, own in self._own.items() if any(o.accelerator in wanted for o in own.values())}
        for site, rows in tables.machine_rows().items():
            if any(r["accelerator"] in wanted for r in rows):
                found.add(site)
        if f"oci/{ANYWHERE}" in found:
            found.remove(f"oci/{ANYWHERE}")
            found |= {s for s, r in tables.regions().items() if r.cloud == "oci" and r.kind == "commercial"}
        return tuple(sorted(found))

    # -- accelerators ------------------------------------------------------------------------------------

    @functools.cached_property
    def _accelerators(self) -> dict[str, Accelerator]:
        return dict(tables.accelerators()) | self._own_accelerators

    @functools.cached_property
    def _spelled(self) -> dict[str, tuple[str, ...]]:
        aliases = {_spelling(alias): names for alias, names in tables.accelerator_names().items()}
        return aliases | {_spelling(name): (name,) for name in self._accelerators}

    def matching(self, name: str) -> tuple[str, ...]:
        """The canonical names that a word may mean, the least first: ``A100`` is A100-40GB or A100-80GB.

        Case, spaces, underscores, and the words NVIDIA and Tesla do not matter. A word that is itself canonical
        means that one only (``H100`` is not ``H100-NVL``). None for an unknown word.
        """
        return self._spelled.get(_spelling(name), ())

    def accelerator(self, name: str) -> Accelerator | None:
        """The facts that hold for a name; where it may mean several, those of the least of them."""
        names = self.matching(name)
        return self._accelerators.get(names[0]) if names else None

    def relative_speed(self, name: str, kind: str) -> float | None:
        """Speed beside an A100 (1.0): by dense TFLOP/s for training, batch and processing; by memory bandwidth for
        inference, since decoding reads every weight for each token, or by TFLOP/s where bandwidth is unknown.

        None when neither is known. Peak figures of datasheets: a user's own measurement should replace them.
        """
        chip, base = self.accelerator(name), self.accelerator(BASELINE)
        if chip is None or base is None:
            return None
        if kind == MEMORY_BOUND and chip.memory_gb_per_s and base.memory_gb_per_s:
            return chip.memory_gb_per_s / base.memory_gb_per_s
        return chip.tflops / base.tflops if chip.tflops and base.tflops else None

    # -- did you mean ------------------------------------------------------------------------------------

    def similar(self, kind: str, text: str) -> list[str]:
        """Up to three names like ``text``: of an ``accelerator``, or a machine at a site (``machine:aws/us-east-1``)
        or anywhere (``machine``). Raises ValueError else."""
        what, _, site = kind.partition(":")
        names: Iterable[str]
        if what == "accelerator":
            spelled = {_spelling(n): n for n in (*tables.accelerator_names(), *self._accelerators)}
            close = near(_spelling(text), spelled, SPELLINGS_MAX, SIMILAR_CUTOFF)
            meant = ((spelled[c], self.matching(spelled[c])) for c in close)
            named = dict.fromkeys(names[0] if len(names) == 1 else word for word, names in meant)
            return list(named)[:SIMILAR_MAX]
        if what == "machine" and site:
            names = self.by_machine(site)
        elif what == "machine":
            names = {r["machine"] for rows in tables.machine_rows().values() for r in rows}
        else:
            raise ValueError(f"no names of kind {kind!r}")
        return near(text, names, SIMILAR_MAX, SIMILAR_CUTOFF)


def _spelling(name: str) -> str:
    """``NVIDIA Tesla A100-80GB``, ``nvidia_a100_80gb`` and ``a100 80gb`` are one name."""
    text = name.lower().replace("_", "-").replace(" ", "-")
    parts = [p for p in text.split("-") if p not in ("nvidia", "tesla", "amd", "google", "aws", "gpu")]
    return "".join(parts)
