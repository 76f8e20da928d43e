"""What the traffic of a plan rests on: the price of each hop, and the fees that the estate does not state."""

import datetime
from collections.abc import Iterator, Sequence

from polycloud.catalog.market import Market
from polycloud.estate import Estate
from polycloud.estate.schema.places import Link
from polycloud.placement.answer.facts import fact
from polycloud.placement.answer.values import Fact, FlowAnswer
from polycloud.placement.answer.words import MICRO
from polycloud.placement.routes.lanes import LINK
from polycloud.placement.routes.network import OVER_THE_INTERNET, private_row

UNKNOWN = "unknown"
COUNTED = "unknown, counted as 0"


def hops(flow: FlowAnswer) -> Iterator[tuple[str, str, str]]:
    """(from, to, link) of a flow; the link is empty over the internet."""
    at, link = flow.source, ""
    for step in (*flow.via, flow.target):
        if step.startswith(LINK):
            link = step.removeprefix(LINK)
        else:
            yield at, step, link
            at, link = step, ""


def way_facts(flows: Sequence[FlowAnswer], market: Market, estate: Estate, today: datetime.date) -> Iterator[Fact]:
    """What a GB costs on each hop, and what each link costs a month where that is not stated."""
    for flow in flows:
        for start, end, link in hops(flow) if flow.source != flow.target else ():
            if link in estate.links:
                yield from _on_link(start, end, link, estate.links[link], market, today)
            else:
                yield from _plain(start, end, market, estate, today)
    for name in _feeless(estate):
        yield fact(f"fee of link {name}", COUNTED, UNKNOWN, (), "", today)


def unstated(flows: Sequence[FlowAnswer], estate: Estate) -> tuple[str, ...]:
    """What costs money in truth, and nothing in this plan because the estate does not say how much."""
    said = [
        f"what link {name} costs a month is not stated and counted as 0: write links.{name}.cost_per_month"
        for name in _feeless(estate)
    ]
    halls = {start for flow in flows for start, end, link in hops(flow) if not link and start != end}
    said += [
        f"what a GB out of {hall} costs is not stated and counted as 0: write {_key(hall)}.cost_per_gb_out"
        for hall in sorted(halls)
        if _silent(hall, estate)
    ]
    return tuple(said)


def _key(hall: str) -> str:
    return hall.replace("/", ".")


def _silent(site: str, estate: Estate) -> bool:
    cloud, _, name = site.partition("/")
    hall = estate.onprem.get(name) if cloud == "onprem" else None
    return hall is not None and hall.cost_per_gb_out is None


def _feeless(estate: Estate) -> list[str]:
    """Links that somebody bills by the month, at a price that is not stated."""
    return [name for name, link in estate.links.items() if link.cost_per_month is None and link.via != "internet"]


def _plain(start: str, end: str, market: Market, estate: Estate, today: datetime.date) -> Iterator[Fact]:
    if start.startswith("onprem/"):
        hall = estate.onprem.get(start.partition("/")[2])
        own = None if hall is None else hall.cost_per_gb_out
        value, quality = (COUNTED, UNKNOWN) if own is None else (f"{own} per GB", "own")
        yield fact(f"traffic out of {start}", value, quality, (), "", today)
        return
    price = market.egress(start, end)
    if price is not None:
        value = f"{price.first_paid / MICRO:g} {price.currency} per GB"
        yield fact(f"traffic {start} to {end}", value, price.quality, price.sources, price.as_of, today)


def _on_link(start: str, end: str, name: str, link: Link, market: Market, today: datetime.date) -> Iterator[Fact]:
    what = f"traffic {start} to {end} over link {name}"
    if link.cost_per_gb is not None:
        yield fact(what, f"{link.cost_per_gb} per GB", "own", (), "", today)
    elif link.via in OVER_THE_INTERNET:
        price = market.egress(start, end)
        if price is not None:
            value = f"{price.first_paid / MICRO:g} {price.currency} per GB"
            yield fact(what, value, price.quality, price.sources, price.as_of, today)
    elif not start.startswith("onprem/") and (found := private_row(market, link.via, start, end)) is not None:
        micro, row = found
        yield fact(what, f"{micro / MICRO:g} USD per GB", row.quality, (row.source,), row.as_of, today)
