"""How fast data goes between sites: measured between machines, estimated from like pairs, or not known.

A measurement is of one machine at each end with 64 connections (Skyplane, 2022); several machines carry more. An
estimate is the rate that nine of ten measured pairs reach: pairs of the same two clouds at a like round-trip time, or
of any two where these were never measured. A search for the fastest way picks what looks best, so guesses are low.
"""

from collections.abc import Iterable
from statistics import quantiles
from typing import Protocol

from polycloud.catalog.market_rows import Rtt, Throughput
from polycloud.placement.routes.network import INTERNET, Hop

BANDS_MS = (20.0, 60.0, 120.0, 200.0)  # where the medians of the measured pairs differ
FEW = 5  # pairs below which two clouds' own spread says little


class Paces(Protocol):
    """What of the market speeds come from."""

    def throughput(self, src: str, dst: str) -> Throughput | None: ...

    def rtt(self, a: str, b: str) -> Rtt | None: ...


class Speeds:
    """Gigabits per second for any hop."""

    def __init__(self, market: Paces, sites: Iterable[str]) -> None:
        """``sites`` are those whose measurements estimates are made from."""
        self._market = market
        self._sites = tuple(sites)
        self._alike: dict[tuple[str, str, int], float] = {}

    def of(self, hop: Hop, sites: tuple[str, ...]) -> tuple[float | None, bool]:
        """(gigabits per second, whether declared or measured); a hall's own line is not known unless declared."""
        if hop.gbps is not None:
            return hop.gbps, True
        src, dst = sites[hop.start], sites[hop.end]
        row = self._market.throughput(src, dst)
        if row is not None and hop.via == INTERNET:
            return row.gbps, True
        if hop.via != INTERNET or src.startswith("onprem/") or dst.startswith("onprem/"):
            return None, False
        return self._estimate(src, dst), False

    def _estimate(self, src: str, dst: str) -> float | None:
        rtt = self._market.rtt(src, dst)
        if rtt is None:
            return None
        if not self._alike:
            self._survey()
        pair, band = (_cloud(src), _cloud(dst)), _band(rtt.ms)
        return self._alike.get((*pair, band)) or self._alike.get(("", "", band))

    def _survey(self) -> None:
        rates: dict[tuple[str, str, int], list[float]] = {}
        for src in self._sites:
            for dst in self._sites:
                row = self._market.throughput(src, dst)
                rtt = self._market.rtt(src, dst) if row is not None else None
                if row is not None and rtt is not None:
                    band = _band(rtt.ms)
                    rates.setdefault((_cloud(src), _cloud(dst), band), []).append(row.gbps)
                    rates.setdefault(("", "", band), []).append(row.gbps)
        for key, found in rates.items():
            if len(found) >= FEW:
                self._alike[key] = quantiles(found, n=10)[0]


def _cloud(site: str) -> str:
    return site.partition("/")[0]


def _band(ms: float) -> int:
    return sum(ms >= edge for edge in BANDS_MS)
