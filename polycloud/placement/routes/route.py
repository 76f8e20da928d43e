"""The way of one transfer: cheapest, fastest, or cheapest in time, inside its classes' residency, with what it is
compared with: each target straight over the internet, and each by its own cheapest path."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence, Set
from typing import Literal

import msgspec

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.core.errors import BadRequest, PolicyDenied, Unsupported
from polycloud.core.ports.transfer import Aim, TransferHop, TransferPlan
from polycloud.estate import Estate
from polycloud.placement.routes.multicast import cheapest_tree
from polycloud.placement.routes.network import INTERNET, Hop, Network, network, spot
from polycloud.placement.routes.speeds import Speeds
from polycloud.placement.routes.tree import Case, case, covers, shortest_paths
from polycloud.placement.solve.result import Progress
from polycloud.policy.residency import Atlas, inside, sentence

Relays = Literal["estate", "any", "none"]
Report = Callable[[Progress], bool]
BITS = 8e-9  # gigabits in a byte
SECONDS = 30.0  # for the exact search; the best tree and its bound are kept after that


class RefusedRelay(msgspec.Struct, frozen=True):
    """A relay that would have made it cheaper or faster and that a data class forbids, with the class's own words."""

    site: str
    data_class: str
    rule: str


class Answer(msgspec.Struct, frozen=True):
    """A plan beside what it is compared with. ``direct``: one hop over the internet to each target, None where one
    has no price; ``paths``: the cheapest path to each target alone, shared hops paid once; ``refused`` are the relays
    of the better plan ``outside`` the residency."""

    plan: TransferPlan
    direct: TransferPlan | None
    paths: TransferPlan | None
    outside: TransferPlan | None = None
    refused: tuple[RefusedRelay, ...] = ()
    method: str = ""
    solve_seconds: float = 0.0
    notes: tuple[str, ...] = ()


class Router:
    """Routes over the catalogue's prices and an estate's links, classes and halls; a ``TransferRouter``."""

    def __init__(
        self,
        catalog: Catalog,
        market: Market,
        estate: Estate | None = None,
        relays: Relays = "estate",
        interconnects: bool = False,
        seconds: float = SECONDS,
    ) -> None:
        """``relays``: the estate's sites, any commercial region of the catalogue, or none. Without an estate,
        ``estate`` means any."""
        self._catalog = catalog
        self._market = market
        self._estate = estate
        self._relays: Relays = "any" if relays == "estate" and estate is None else relays
        self._interconnects = interconnects
        self._seconds = seconds
        self._atlas = Atlas(estate if estate is not None else Estate(estate="none"), catalog)
        self._speeds = Speeds(market, (site.id for site in catalog.sites()))

    def plan(
        self,
        source: str,
        targets: Sequence[str],
        volume: int,
        classes: Sequence[str] = (),
        aim: Aim = "cost",
        within_seconds: float | None = None,
    ) -> TransferPlan:
        return self.answer(source, targets, volume, classes, aim, within_seconds).plan

    def answer(
        self,
        source: str,
        targets: Sequence[str],
        volume: int,
        classes: Sequence[str] = (),
        aim: Aim = "cost",
        within_seconds: float | None = None,
        report: Report | None = None,
    ) -> Answer:
        """The plan with its comparisons; errors as ``TransferRouter.plan``. ``report`` returning False stops the
        search with the best plan so far."""
        ends = self._ends(source, targets, classes)
        ways = network(self._sites(ends), self._market, self._estate, self._interconnects)
        every = frozenset(range(len(ways.sites)))
        allowed = frozenset(at for at in every if not self._outside(ways.sites[at], classes))
        asked = _Asked(ways, tuple(range(1, len(ends))), volume, aim, within_seconds, self._speeds)
        least = asked.least_rate(allowed)
        if aim == "time" and not least:
            raise Unsupported(asked.why_none(allowed))
        given = asked.case(allowed, least)
        tree = cheapest_tree(given, self._seconds, report)
        if tree is None:
            raise self._no_way(asked, allowed, every, classes)
        plan = asked.plan(tree.hops, tree.bound)
        whole = Answer(plan, asked.direct(every), asked.paths(given), method=tree.method, solve_seconds=tree.seconds)
        better = self._unheld(asked, every, plan, report) if allowed != every else None
        refused = tuple(row for site in (better.relays if better else ()) for row in self._outside(site, classes))
        return msgspec.structs.replace(whole, outside=better, refused=refused, notes=self._notes(asked, plan, classes))

    # -- who may be where --------------------------------------------------------------------------------

    def _ends(self, source: str, targets: Sequence[str], classes: Sequence[str]) -> tuple[str, ...]:
        ends = tuple(dict.fromkeys((source, *targets)))
        declared = self._estate.site_ids() if self._estate else ()
        for site in ends:
            if self._catalog.site(site) is None and site not in declared:
                close = " or ".join(self._catalog.similar("site", site))
                raise BadRequest(f"there is no site {site!r}" + (f"; did you mean {close}?" if close else ""))
        if len(ends) < 2:
            raise BadRequest("a transfer needs a target other than its source")
        for name in classes:
            if self._estate is None or name not in self._estate.data_classes:
                raise BadRequest(f"there is no data class {name!r} in the estate")
        for site in ends:
            for held in self._outside(site, classes):
                raise PolicyDenied(f"{site} is outside {held.data_class}, which {held.rule}")
        return ends

    def _outside(self, site: str, classes: Sequence[str]) -> tuple[RefusedRelay, ...]:
        """The classes that a site is outside of, by the same predicate as live traffic. Data that may be copied
        anywhere may pass anywhere."""
        found = []
        for name in classes:
            rule = self._estate.data_classes[name] if self._estate else None
            held = rule is not None and rule.replicate != "anywhere"
            if rule is not None and held and not inside(self._atlas.find(site), rule, self._catalog):
                found.append(RefusedRelay(site, name, sentence(rule)))
        return tuple(found)

    def _sites(self, ends: Sequence[str]) -> tuple[str, ...]:
        """The ends first, then whoever may relay, the nearest to the way first: it is kept among equals."""
        others: Sequence[str] = ()
        if self._relays == "estate" and self._estate is not None:
            others = self._estate.site_ids()
        elif self._relays == "any":
            halls = [site for site in (self._estate.site_ids() if self._estate else ()) if site.startswith("onprem/")]
            others = [*(site.id for site in self._catalog.sites() if self._open(site.id)), *halls]
        return tuple(dict.fromkeys((*ends, *sorted(others, key=lambda site: self._detour(ends, site)))))

    def _detour(self, ends: Sequence[str], site: str) -> float:
        """Milliseconds from the source over the site to the target nearest to it."""
        spots = [spot(self._estate, end) for end in (*ends, site)]
        first, *onward = (row.ms if (row := self._market.rtt(at, spots[-1])) else float("inf") for at in spots[:-1])
        return first + min(onward)

    def _open(self, site: str) -> bool:
        region = self._catalog.region(site)
        return region is not None and region.kind == "commercial" and region.status == "ga"

    # -- solving -----------------------------------------------------------------------------------------

    def _no_way(
        self, asked: "_Asked", allowed: Set[int], every: Set[int], classes: Sequence[str]
    ) -> PolicyDenied | Unsupported:
        """Why nothing leads there: residency, where a way outside it would, else prices or the time given."""
        tree = cheapest_tree(asked.case(every, asked.least_rate(every)), self._seconds) if allowed != every else None
        if tree is None:
            return Unsupported(asked.why_none(allowed))
        relays = asked.plan(tree.hops).relays
        held = [row for site in relays for row in self._outside(site, classes)]
        said = "; ".join(f"{row.site} is outside {row.data_class}, which {row.rule}" for row in held)
        return PolicyDenied(f"{asked.why_none(allowed)}; there is one by {', '.join(relays)}, but {said}")

    def _unheld(
        self, asked: "_Asked", every: Set[int], plan: TransferPlan, report: Report | None
    ) -> TransferPlan | None:
        """The plan without residency where it is better: what the rule costs, never what is done."""
        given = asked.case(every, asked.least_rate(every))
        tree = cheapest_tree(given, self._seconds, report)
        if tree is None:
            return None
        other = asked.plan(tree.hops, tree.bound)
        if asked.aim == "time":
            return other if (other.seconds or 0) < (plan.seconds or 0) else None
        return other if other.micro_usd < plan.micro_usd else None

    def _notes(self, asked: "_Asked", plan: TransferPlan, classes: Sequence[str]) -> tuple[str, ...]:
        notes = ["list prices less your discounts; what else the month sends on the same meters is not counted"]
        if plan.relays:
            notes.append("the machines or buckets at the relays are not in the price")
        if any(hop.price_derived for hop in plan.hops):
            notes.append("a price marked ~ is derived by rule: no list has it")
        if any(hop.gbps is not None and not hop.measured for hop in plan.hops):
            notes.append("a speed marked ~ is estimated from like pairs: nobody measured it")
        fees = {name for name, _ in asked.ways.fixed}
        vias = dict.fromkeys(hop.via for hop in plan.hops if hop.via != INTERNET)
        notes += [f"the monthly fee of {via} is not in the price" for via in vias if via in fees]
        notes += [f"the ports of {via} are billed apart" for via in vias if not via.startswith("link ")]
        halls = self._estate.onprem if self._estate else {}
        silent = [name for name, hall in halls.items() if hall.cost_per_gb_out is None]
        notes += [
            f"what a GB out of onprem/{name} costs is not stated and counted as 0"
            for name in silent
            if any((hop.start, hop.via) == (f"onprem/{name}", INTERNET) for hop in plan.hops)
        ]
        rules = self._estate.data_classes if self._estate else {}
        kept = [name for name in classes if rules[name].replicate == "never"]
        return (*notes, *(f"{name} allows no copies: take this as a move or a read" for name in kept))


class _Asked(msgspec.Struct, frozen=True):
    """One question on one network; site 0 is the source."""

    ways: Network
    targets: tuple[int, ...]
    volume: int
    aim: Aim
    within: float | None
    speeds: Speeds
    known: dict[Hop, tuple[float | None, bool]] = {}

    def rate(self, hop: Hop) -> tuple[float | None, bool]:
        if hop not in self.known:
            self.known[hop] = self.speeds.of(hop, self.ways.sites)
        return self.known[hop]

    def case(self, allowed: Set[int], least: float) -> Case:
        """``least`` gigabits per second; 0 admits hops of unknown speed too."""
        return case(self.ways, 0, self.targets, self.volume, allowed, lambda hop: (self.rate(hop)[0] or 0.0) >= least)

    def least_rate(self, allowed: Set[int]) -> float:
        """What every hop must carry: for the deadline, and for the fastest tree the rate of its slowest hop."""
        due = self.volume * BITS / self.within if self.within else 0.0
        if self.aim == "cost":
            return due
        return max(due, self._widest(allowed))

    def _widest(self, allowed: Set[int]) -> float:
        """The highest rate whose hops still lead to every target; 0 where only hops of unknown speed do."""
        rates = sorted({rate for hop in self.case(allowed, 0.0).hops if (rate := self.rate(hop)[0]) is not None})
        at = bisect_left(rates, True, key=lambda rate: not self._joined(allowed, rate))
        return rates[at - 1] if at else 0.0

    def _joined(self, allowed: Set[int], rate: float) -> bool:
        given = self.case(allowed, rate)
        return covers(given, range(len(given.hops)))

    def why_none(self, allowed: Set[int]) -> str:
        ends = ", ".join(self.ways.sites[at] for at in self.targets)
        if self._joined(allowed, 0.0):
            rate = self._widest(allowed)
            if rate:
                best = f"the fastest takes {self.volume * BITS / rate / 3600:,.1f} h"
                return f"no way from {self.ways.sites[0]} to {ends} is fast enough: {best}"
            return f"no speed is known from {self.ways.sites[0]} to {ends}; declare a link there with its bandwidth"
        unpriced = "; ".join(f"{row.what}: {row.why}" for row in self.ways.left_out[:3])
        return f"no way with a known price and room for it leads from {self.ways.sites[0]} to {ends}" + (
            unpriced and f" ({unpriced})"
        )

    def plan(self, hops: Sequence[Hop], bound: int | None = None) -> TransferPlan:
        """Hops as a plan; each pays what it adds on its meters, in order, so the parts sum to the whole."""
        on: Counter[int] = Counter()
        steps = []
        for hop in hops:
            cost = 0
            for meter in hop.meters:
                at = self.ways.meters[meter]
                cost += at.cost((on[meter] + 1) * self.volume) - at.cost(on[meter] * self.volume)
                on[meter] += 1
            gbps, measured = self.rate(hop)
            sites = self.ways.sites
            steps.append(TransferHop(sites[hop.start], sites[hop.end], hop.via, cost, gbps, measured, hop.derived))
        slowest = min((step.gbps or 0.0 for step in steps), default=0.0)
        total = sum(step.micro_usd for step in steps)
        return TransferPlan(
            self.ways.sites[0],
            tuple(self.ways.sites[at] for at in self.targets),
            self.volume,
            tuple(steps),
            total,
            total if bound is None else bound,
            self.volume * BITS / slowest if slowest else None,
            any(not step.measured for step in steps),
        )

    def direct(self, allowed: Set[int]) -> TransferPlan | None:
        """One hop over the internet to each target."""
        plain = {hop.end: hop for hop in self.ways.hops if hop.start == 0 and hop.via == INTERNET}
        hops = [plain[at] for at in self.targets if at in plain]
        return self.plan(hops, 0) if len(hops) == len(self.targets) else None

    def paths(self, given: Case) -> TransferPlan | None:
        """The cheapest path to each target alone, hops that several share paid once."""
        chosen = shortest_paths(given)
        return None if chosen is None else self.plan([given.hops[at] for at in chosen], 0)
