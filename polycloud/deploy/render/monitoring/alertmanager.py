"""Alertmanager: pages to whoever is on call now, then to the second line; everything else as a ticket."""

from typing import Any

from polycloud.deploy.blueprint import Blueprint, Shift
from polycloud.deploy.yaml import dump, header

SECRETS = "/etc/alertmanager/secrets"
ESCALATED = "15m"  # where the estate says nothing
Config = dict[str, Any]


def alertmanager(blueprint: Blueprint) -> str:
    """Routes by severity, shift and line. Secrets are read from files that the cluster mounts."""
    paging = blueprint.paging
    receivers: list[Config] = [{"name": "tickets", **_ways(blueprint)}]
    shifts: dict[str, Shift] = {shift.name: shift for shift in (*paging.primary, *paging.secondary)}
    routes: list[Config] = []
    for line, members in (("primary", paging.primary), ("secondary", paging.secondary)):
        for shift in members:
            receiver = f"{line}-{shift.name}"
            receivers.append({"name": receiver, **_ways(blueprint)})
            routes.append(_route(receiver, line, shift, paging.escalate_minutes))
    if not routes:
        receivers.append({"name": "pages", **_ways(blueprint)})
        routes.append({"receiver": "pages", "matchers": ['severity="page"']})
    content: Config = {
        "route": {
            "receiver": "tickets",
            "group_by": ["alertname", "slo", "cloud"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "4h",
            "routes": routes,
        },
        "receivers": receivers,
        "inhibit_rules": [
            # A lost site explains what else is seen of it.
            {"source_matchers": ['alertname="SiteLost"'], "target_matchers": ['severity="ticket"'], "equal": ["cloud"]},
            {
                "source_matchers": ['alertname="ErrorBudgetBurns"', 'severity="page"'],
                "target_matchers": ['alertname="ErrorBudgetBurns"', 'severity="ticket"'],
                "equal": ["slo"],
            },
        ],
    }
    if shifts:
        content["time_intervals"] = [_interval(shift) for _, shift in sorted(shifts.items())]
    return dump(content, head=header("Who is told of what, and when", blueprint.estate, "alerts"))


def _route(receiver: str, line: str, shift: Shift, escalate: int | None) -> Config:
    route: Config = {
        "receiver": receiver,
        "matchers": ['severity="page"'],
        "active_time_intervals": [shift.name],
        "continue": True,  # the second line has its own wait
    }
    if line == "secondary":
        route["group_wait"] = f"{escalate}m" if escalate is not None else ESCALATED
    return route


def _interval(shift: Shift) -> Config:
    """Hours as Alertmanager wants them; a night shift is two stretches of the day."""
    start, end = shift.start, "24:00" if shift.end == "00:00" else shift.end
    times = [(start, end)] if start < end else [(start, "24:00"), ("00:00", end)]
    stretch = [{"start_time": a, "end_time": b} for a, b in times if a != b]
    return {"name": shift.name, "time_intervals": [{"times": stretch, "location": shift.time_zone}]}


def _ways(blueprint: Blueprint) -> Config:
    paging = blueprint.paging
    ways: Config = {}
    if paging.webhook:
        ways["webhook_configs"] = [{"url_file": f"{SECRETS}/{paging.webhook}", "send_resolved": True}]
    if paging.pagerduty:
        ways["pagerduty_configs"] = [{"routing_key_file": f"{SECRETS}/{paging.pagerduty}", "send_resolved": True}]
    return ways
