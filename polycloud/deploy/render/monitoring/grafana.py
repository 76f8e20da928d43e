"""Grafana dashboards: what callers see, what providers do, what it costs, how the clouds reach each other."""

import msgspec

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.render.monitoring import metrics

SCHEMA_VERSION = 41  # of the dashboard's JSON, Grafana 12 and 13
WIDTH, HEIGHT = 12, 8
Panel = dict[str, object]
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
BOARDS: dict[str, tuple[str, tuple[tuple[str, str, str, str], ...]]] = {
    "traffic": (
        "What callers see",
        (
            ("Requests a second by cloud", "sum by (cloud) (rate(polycloud_requests_total[5m]))", "reqps", "{{cloud}}"),
            (
                "Share of good answers",
                'sum(rate(polycloud_requests_total{outcome="ok"}[5m])) / sum(rate(polycloud_requests_total[5m]))',
                "percentunit",
                "good",
            ),
            (
                "Response time, p95",
                "histogram_quantile(0.95, sum by (cloud, le) (rate(polycloud_response_seconds_bucket[5m])))",
                "s",
                "{{cloud}}",
            ),
            (
                "Time to first token, p95",
                "histogram_quantile(0.95, sum by (cloud, le) (rate(polycloud_first_token_seconds_bucket[5m])))",
                "s",
                "{{cloud}}",
            ),
            (
                "The gateway's own time, p99",
                "histogram_quantile(0.99, sum by (le) (rate(polycloud_overhead_seconds_bucket[5m])))",
                "s",
                "overhead",
            ),
            (
                "Failovers",
                "sum by (from_cloud, to_cloud) (increase(polycloud_failover_total[5m]))",
                "short",
                "{{from_cloud}} to {{to_cloud}}",
            ),
        ),
    ),
    "providers": (
        "What providers do",
        (
            ("Availability", "polycloud_provider_availability", "percentunit", "{{deployment}}"),
            ("Error rate", "polycloud_provider_error_ratio", "percentunit", "{{cloud}}"),
            ("Open breakers", "polycloud_breaker_open", "short", "{{deployment}}"),
            ("Deployments down", "polycloud_deployment_down", "short", "{{deployment}}"),
            (
                "Errors by code",
                'sum by (code) (rate(polycloud_attempts_total{outcome="error"}[5m]))',
                "reqps",
                "{{code}}",
            ),
            (
                "Round trips between clusters",
                'probe_http_duration_seconds{job="cross-cloud",phase="processing"}',
                "s",
                "{{cluster}} to {{to}}",
            ),
        ),
    ),
    "cost": (
        "What it costs",
        (
            (
                "Dollars an hour by cloud",
                "sum by (cloud) (rate(polycloud_cost_usd_total[1h])) * 3600",
                "currencyUSD",
                "{{cloud}}",
            ),
            (
                "Dollars an hour by team",
                "sum by (team) (rate(polycloud_cost_usd_total[1h])) * 3600",
                "currencyUSD",
                "{{team}}",
            ),
            (
                "Cost of a request, p50",
                "histogram_quantile(0.5, sum by (cloud, le) (rate(polycloud_request_cost_usd_bucket[1h])))",
                "currencyUSD",
                "{{cloud}}",
            ),
            (
                "Tokens a second",
                "sum by (cloud, kind) (rate(polycloud_tokens_total[5m]))",
                "short",
                "{{cloud}} {{kind}}",
            ),
            (
                "Calls without a known price",
                "sum by (model) (increase(polycloud_unpriced_total[1h]))",
                "short",
                "{{model}}",
            ),
        ),
    ),
}


def expressions() -> tuple[str, ...]:
    """Every query of every dashboard."""
    return tuple(query for _, panels in BOARDS.values() for _, query, _, _ in panels)


def dashboards(blueprint: Blueprint) -> dict[str, str]:
    """Each dashboard as JSON by its name. JSON has no comments: what it is stands in ``description``."""
    known = metrics.names(blueprint)
    found = {}
    for name, (title, panels) in BOARDS.items():
        seen = tuple(p for p in panels if not any(m in p[1] for m in metrics.PROBE) or metrics.PROBE[0] in known)
        found[name] = _board(name, title, seen, blueprint)
    return found


def _board(name: str, title: str, panels: tuple[tuple[str, str, str, str], ...], blueprint: Blueprint) -> str:
    content = {
        "uid": f"polycloud-{name}",
        "title": f"{blueprint.estate}: {title}",
        "description": f"{title}. From the estate {blueprint.estate}. Written by polycloud render: change the estate, "
        "not this file.",
        "tags": ["polycloud", blueprint.estate],
        "schemaVersion": SCHEMA_VERSION,
        "timezone": "browser",
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [{"name": "datasource", "type": "datasource", "query": "prometheus"}]},
        "panels": [_panel(at, *panel) for at, panel in enumerate(panels)],
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n"


def _panel(at: int, title: str, query: str, unit: str, legend: str) -> Panel:
    return {
        "id": at + 1,
        "type": "timeseries",
        "title": title,
        "datasource": SOURCE,
        "gridPos": {"h": HEIGHT, "w": WIDTH, "x": WIDTH * (at % 2), "y": HEIGHT * (at // 2)},
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True}},
        "targets": [{"refId": "A", "datasource": SOURCE, "expr": query, "legendFormat": legend}],
    }
