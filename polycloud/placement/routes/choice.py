"""Which kind of link an estate should use between two of its places, why, and what stands by for it.

Production gets a private line, development and staging a VPN, where one carries what is asked and its round trip holds.
Among private lines the one whose whole price is known and least wins; one with unknown parts never wins on cost and is
taken only where the rule asks for a private line and no price is complete, which the reason then says.
"""

from collections.abc import Sequence

import msgspec

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.estate import Estate
from polycloud.placement.problem import HOURS
from polycloud.placement.routes.flows import PairFlow, pair_flows
from polycloud.placement.routes.links import LinkOption, LinkOptions
from polycloud.placement.routes.speeds import Speeds

RTT_MS = 50.0  # between clouds at the 95th percentile, where no promise of the estate says otherwise
GBPS = 1.0  # at least, however little flows
PEAK = 4  # the busiest hours are taken to carry this much of the month's mean: an assumption, not a measurement
GIGABITS = 8e-9  # in a byte
PREFERENCE = ("azure-oci", "interconnect", "fastconnect", "expressroute", "direct-connect", "exchange")


class LinkTargets(msgspec.Struct, frozen=True):
    """What a link must hold."""

    rtt_ms: float = RTT_MS
    gbps: float = GBPS


class LinkChoice(msgspec.Struct, frozen=True):
    """The options of one pair, the chosen kind (``link``: the declared one) with its reason in words, and what takes
    over when it fails."""

    flow: PairFlow
    targets: LinkTargets
    options: tuple[LinkOption, ...]
    chosen: str
    link: str
    reason: str
    backup: str


def link_choices(
    estate: Estate, catalog: Catalog, market: Market, flows: Sequence[PairFlow] | None = None
) -> tuple[LinkChoice, ...]:
    """A choice for each pair of places in different clouds with a flow or a declared link, largest flows first.

    ``flows`` are those of a plan; without them those that the estate's own words fix.
    """
    options = LinkOptions(estate, market, Speeds(market, (site.id for site in catalog.sites())))
    found = [_choice(estate, options, flow) for flow in (pair_flows(estate) if flows is None else flows)]
    return tuple(sorted(found, key=lambda row: -(row.flow.out + row.flow.back)))


def link_targets(estate: Estate, flow: PairFlow) -> LinkTargets:
    """The strictest promise about cross-cloud latency that holds at both ends, and the flow at its peak."""
    promised = [
        float(slo.within.value) * 1000
        for slo in estate.slos.values()
        if slo.measure == "cross-cloud-latency" and slo.within is not None
    ]
    mean = max(flow.out, flow.back) * GIGABITS / (HOURS * 3600)
    return LinkTargets(min(promised, default=RTT_MS), max(GBPS, mean * PEAK))


def _choice(estate: Estate, options: LinkOptions, flow: PairFlow) -> LinkChoice:
    targets = link_targets(estate, flow)
    found = options.between(flow, targets.gbps)
    production = estate.environment == "production"
    fit = [option for option in found if option.kind != "internet" and carries(option, targets)]
    private = [option for option in fit if option.private]
    tunnels = [option for option in fit if option.kind == "vpn"]
    if production and private:
        chosen, why = _private(private)
        reason = f"production: a private line; {why}"
    elif tunnels:
        chosen = tunnels[0]
        wanted = "no private line carries what is asked" if production else f"{estate.environment}: a VPN is enough"
        reason = f"{wanted}; encrypted, at the internet's price per GB"
    else:
        chosen = next(option for option in found if option.kind == "internet")
        reason = "nothing else carries what is asked"
    said = (reason, _beside(found, chosen), _held(chosen, targets))
    reason = "; ".join(filter(None, said))
    return LinkChoice(flow, targets, found, chosen.kind, chosen.declared, reason, _backup(estate, found, chosen))


def carries(option: LinkOption, targets: LinkTargets) -> bool:
    """Whether its bandwidth is enough; one that is not known is ordered as needed."""
    return option.gbps is None or option.gbps >= targets.gbps


def _private(options: Sequence[LinkOption]) -> tuple[LinkOption, str]:
    priced = [option for option in options if option.total is not None]
    if priced:
        best = min(priced, key=lambda option: option.total or 0)
        others = len(options) - len(priced)
        beside = f" ({others} without a complete price can not be compared)" if others else ""
        return best, f"the cheapest of known price{beside}"
    best = min(options, key=lambda option: (not option.declared, PREFERENCE.index(option.kind), option.kind))
    return best, f"none has a complete price: ask for {', '.join(best.unknown)} before you order"


def _beside(options: Sequence[LinkOption], chosen: LinkOption) -> str:
    """The chosen link's price beside the internet's, where both are whole."""
    internet = next((option.total for option in options if option.kind == "internet"), None)
    if internet is None or chosen.total is None or chosen.kind == "internet":
        return ""
    text = f"{chosen.total / 1e6:,.0f} USD a month against {internet / 1e6:,.0f} over the internet"
    return text + (f", cheaper from {chosen.break_even_gb:,} GB" if chosen.break_even_gb else ", never cheaper")


def _held(option: LinkOption, targets: LinkTargets) -> str:
    if option.rtt_ms is None:
        return "its round trip is not known"
    how = "measured or declared" if option.rtt_measured else "estimated"
    verdict = "within" if option.rtt_ms <= targets.rtt_ms else "OVER"
    return f"{option.rtt_ms:.1f} ms ({how}) is {verdict} the {targets.rtt_ms:.0f} ms allowed"


def _backup(estate: Estate, options: Sequence[LinkOption], chosen: LinkOption) -> str:
    """The declared one; else what shares least with the chosen: a VPN for a private line, the internet for a VPN."""
    named = estate.links[chosen.declared].backup if chosen.declared else None
    if named:
        return f"{estate.links[named].via} ({named})"
    kinds = [option.kind for option in options if option.kind != chosen.kind]
    return next((kind for kind in ("vpn", "internet") if chosen.private or kind == "internet" if kind in kinds), "")
