"""Prometheus: what is scraped, how fast error budgets burn, and when somebody is told."""

from typing import Any

from polycloud.core.geo import distance_km
from polycloud.deploy.blueprint import Blueprint, Cluster, Objective
from polycloud.deploy.render.mesh import joined
from polycloud.deploy.render.monitoring.metrics import AZURE_METRIC, RESPONSE_BUCKETS, exporters, lags, watched
from polycloud.deploy.render.terraform import identifier
from polycloud.deploy.yaml import dump, header

PPM = 1_000_000
# Windows and burn rates, Site Reliability Workbook, chapter 5, https://sre.google/workbook/alerting-on-slos/, 2026-11.
BURNS = (
    ("1h", "5m", 14.4, "page"),
    ("6h", "30m", 6.0, "page"),
    ("1d", "2h", 3.0, "ticket"),
    ("3d", "6h", 1.0, "ticket"),
)
CROSS_CLOUD_SECONDS, CROSS_CLOUD_FOR = 0.1, "5m"
# A round trip takes 1 ms for each 100 km of glass, and cables are about half as long again as the great circle: what is
# farther apart than this can not be within CROSS_CLOUD_SECONDS, and nobody is woken for it.
FAR_KM = CROSS_CLOUD_SECONDS * 1000 * 100 / 1.5
REPLICATION_SECONDS = 900  # requirement J1, where the estate states no recovery point
SCRAPE = "15s"
GATEWAYS = "polycloud-headless.polycloud.svc"  # the Helm chart's headless service
# Where a pod's sidecar gives the figures of the pod too, outside of mutual TLS, which Prometheus does not speak:
# istio.io/latest/docs/ops/integrations/prometheus, 2026-11.
SCRAPED = (15020, "/stats/prometheus")
LATENCY = {"latency": "polycloud_response_seconds", "first-token": "polycloud_first_token_seconds"}
Rule = dict[str, Any]


def bucket(seconds: float) -> float:
    """The largest bucket of the histogram that is not above a bound: never kinder than the promise."""
    fitting = [edge for edge in RESPONSE_BUCKETS if edge <= seconds]
    return max(fitting) if fitting else RESPONSE_BUCKETS[0]


def prometheus(cluster: Cluster, blueprint: Blueprint) -> str:
    """The configuration of one cluster's Prometheus."""
    others = [other for other in blueprint.clusters if other.name != cluster.name]
    probe = {
        "job_name": "cross-cloud",
        "metrics_path": "/probe",
        "params": {"module": ["http_2xx"]},
        "static_configs": [
            {
                "targets": [f"{joined.address(other)}/healthz"],
                "labels": {"to": other.name, "to_cloud": other.site.cloud, "pair": _pair(cluster, other)},
            }
            for other in others
        ],
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"target_label": "__address__", "replacement": "blackbox-exporter.monitoring:9115"},
        ],
    }
    jobs: list[Rule] = [gateways()]
    jobs += [probe] if others else []
    jobs += [EXPORTERS[name](blueprint) for name in exporters(blueprint, cluster.site.cloud)]
    labels = {"cluster": cluster.name, "cloud": cluster.site.cloud, "site": cluster.site.id, "estate": blueprint.estate}
    content: Rule = {
        "global": {"scrape_interval": SCRAPE, "evaluation_interval": SCRAPE, "external_labels": labels},
        "rule_files": ["/etc/prometheus/rules/*.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": ["alertmanager.monitoring:9093"]}]}]},
        "scrape_configs": jobs,
    }
    head = header(f"What Prometheus of {cluster.name} scrapes", blueprint.estate, f"clusters.{cluster.name}, slos")
    return dump(content, head=head)


def gateways() -> Rule:
    """Asks every pod behind the headless service, so that no worker's figures hide behind another's."""
    return {
        "job_name": "polycloud",
        "dns_sd_configs": [{"names": [GATEWAYS], "type": "A", "port": SCRAPED[0]}],
        "metrics_path": SCRAPED[1],
    }


def _pair(one: Cluster, other: Cluster) -> str:
    """``cross-cloud``, ``same-cloud``, or ``far``: between clouds, and too far apart for the alert."""
    if one.site.cloud == other.site.cloud:
        return "same-cloud"
    ends = [
        (site.latitude, site.longitude)
        for site in (one.site, other.site)
        if site.latitude is not None and site.longitude is not None
    ]
    return "far" if len(ends) > 1 and distance_km(ends[0], ends[1]) > FAR_KM else "cross-cloud"


def _yace(blueprint: Blueprint) -> Rule:
    return {"job_name": "yace", "static_configs": [{"targets": ["yace.monitoring:5000"]}]}


def _stackdriver(blueprint: Blueprint) -> Rule:
    return {
        "job_name": "stackdriver-exporter",
        "params": {"collect": ["cloudsql.googleapis.com/database/replication/replica_lag"]},
        "static_configs": [{"targets": ["stackdriver-exporter.monitoring:9255"]}],
    }


def _azure(blueprint: Blueprint) -> Rule:
    """One request asks for one figure of one kind of resource, which its target names."""
    kinds = {
        "Microsoft.DBforPostgreSQL/flexibleServers": "physical_replication_delay_in_seconds",
        "Microsoft.DBforMySQL/flexibleServers": "replication_lag",
        "Microsoft.DocumentDB/databaseAccounts": "ReplicationLatency",
    }
    subscription = blueprint.accounts.get("azure", {}).get("subscription")
    return {
        "job_name": "azure-metrics-exporter",
        "metrics_path": "/probe/metrics",
        "params": {
            **({"subscription": [subscription]} if subscription else {}),
            "name": [AZURE_METRIC],
            "interval": ["PT1M"],
            "timespan": ["PT5M"],
            "aggregation": ["maximum"],
        },
        "static_configs": [
            {
                "targets": ["azure-metrics-exporter.monitoring:8080"],
                "labels": {"__param_resourceType": kind, "__param_metric": metric},
            }
            for kind, metric in kinds.items()
        ],
    }


EXPORTERS = {"azure-metrics-exporter": _azure, "stackdriver-exporter": _stackdriver, "yace": _yace}


def rules(blueprint: Blueprint) -> str:
    """Recording rules and alerts of every promise and trigger."""
    lag = behind(blueprint)
    groups: list[Rule] = [
        group
        for one in blueprint.objectives
        if watched(blueprint, one.measure) and (group := _objective(one, lag)) is not None
    ]
    groups.append({"name": "providers", "rules": _providers(blueprint)})
    if triggers := _triggers(blueprint):
        groups.append({"name": "continuity", "rules": triggers})
    groups.append({"name": "own", "rules": _own()})
    head = header("Promises, their error budgets, and alerts", blueprint.estate, "slos, continuity.triggers")
    return dump({"groups": groups}, head=head)


def behind(blueprint: Blueprint) -> str:
    """How many seconds copies are behind, of all stores and databases that tell it, as PromQL; "" where none does."""
    return " or ".join(lag.seconds for lag in lags(blueprint))


def _round_trip(pairs: str) -> str:
    """From the request to the first byte of its answer: a round trip on a connection that the mesh keeps."""
    return f'probe_http_duration_seconds{{job="cross-cloud",{pairs},phase="processing"}}'


def bad_ratio(objective: Objective, window: str, lag: str = "") -> str:
    """The share of bad events over a window, as PromQL; "" for a measure that Prometheus does not see by ratio.
    ``lag`` is what tells how far copies are behind."""
    if objective.measure == "availability":
        good = f'sum(rate(polycloud_requests_total{{outcome="ok"}}[{window}]))'  # nothing went well: there is no series
        return f"1 - ({good} or vector(0)) / sum(rate(polycloud_requests_total[{window}]))"
    if objective.measure == "error-rate":
        bad = f'sum(rate(polycloud_attempts_total{{outcome="error"}}[{window}]))'
        return f"({bad} or vector(0)) / sum(rate(polycloud_attempts_total[{window}]))"
    if objective.measure in LATENCY and objective.bound_seconds is not None:
        name = LATENCY[objective.measure]
        within = f'sum(rate({name}_bucket{{le="{_le(bucket(objective.bound_seconds))}"}}[{window}]))'
        return f'1 - {within} / sum(rate({name}_bucket{{le="+Inf"}}[{window}]))'
    if objective.measure == "cross-cloud-latency" and objective.bound_seconds is not None:
        apart = 'pair!="same-cloud"'
        answered = f'probe_success{{job="cross-cloud",{apart}}}'  # what fails has a short duration too
        good = f"({_round_trip(apart)} <= bool {objective.bound_seconds:g}) * ignoring (phase) {answered}"
        return f"1 - avg(avg_over_time(({good})[{window}:]))"
    if objective.measure == "replication-lag" and objective.bound_seconds is not None and lag:
        return f"avg(avg_over_time((({lag}) > bool {objective.bound_seconds:g})[{window}:]))"
    return ""


def _objective(objective: Objective, lag: str = "") -> Rule | None:
    if not bad_ratio(objective, "5m", lag):
        return None
    budget = 1 - objective.target_ppm / PPM
    record = f"slo:{identifier(objective.name)}:bad_ratio"
    windows = sorted({w for long, short, _, _ in BURNS for w in (long, short)}, key=_seconds)
    made: list[Rule] = [
        {"record": f"{record}_{window}", "expr": bad_ratio(objective, window, lag)} for window in windows
    ]
    for long, short, burn, severity in BURNS:
        if budget <= 0:
            continue  # a promise of 100 % has no budget that could burn
        limit = f"{burn * budget:.6g}"
        made.append(
            {
                "alert": "ErrorBudgetBurns",
                "expr": f"{record}_{long} > {limit} and {record}_{short} > {limit}",
                "labels": {"severity": severity, "slo": objective.name, "window": long},
                "annotations": {
                    "summary": f"{objective.name}: the error budget burns {burn:g} times too fast over {long}",
                    "description": f"Promise: {objective.target_ppm / PPM:.4%} of {objective.measure}.",
                },
            }
        )
    return {"name": f"slo-{objective.name}", "rules": made}


def _providers(blueprint: Blueprint) -> list[Rule]:
    """Alerts on what the estate can see: no rule waits for a figure that nobody exports."""
    found = [
        _alert(
            "ProviderErrors",
            "polycloud_provider_error_ratio > 0.05",
            "5m",
            "ticket",
            "{{ $labels.cloud }} answers {{ $value | humanizePercentage }} of calls with an error",
        ),
    ]
    if watched(blueprint, "cross-cloud-latency"):
        near = _round_trip('pair="cross-cloud"')
        test = f"{near} > {CROSS_CLOUD_SECONDS:g}"
        summary = "{{ $externalLabels.cluster }} to {{ $labels.to }} takes {{ $value | humanizeDuration }}"
        found.append(_alert("CrossCloudLatencyHigh", test, CROSS_CLOUD_FOR, "page", summary))
        summary = "{{ $externalLabels.cluster }} does not reach {{ $labels.to }}"
        found.append(_alert("ClusterUnreachable", 'probe_success{job="cross-cloud"} == 0', "5m", "page", summary))
    if watched(blueprint, "replication-lag"):
        allowed = blueprint.continuity.get("rpo", REPLICATION_SECONDS)
        test = f"({behind(blueprint)}) > {allowed}"
        summary = "Replication is {{ $value | humanizeDuration }} behind"
        found.append(_alert("ReplicationLags", test, "5m", "page", summary))
    return found


def _triggers(blueprint: Blueprint) -> list[Rule]:
    """When a site counts as lost, as the estate says it."""
    found = []
    for name, given in blueprint.triggers.items():
        tests = {
            "availability_below": "polycloud_provider_availability < {:g}",
            "error_rate_over": "polycloud_provider_error_ratio > {:g}",
            "response_time_over": "histogram_quantile(0.95, sum by (cloud, le) "
            "(rate(polycloud_response_seconds_bucket[5m]))) > {:g}",
        }
        for word, test in tests.items():
            if word in given:
                held = f"{int(given.get('for_at_least', 0))}s"
                summary = f"Trigger {name}: {word.replace('_', ' ')} {given[word]:g}" + " ({{ $labels.cloud }})"
                found.append(_alert("SiteLost", test.format(given[word]), held, "page", summary, trigger=name, on=word))
    return found


def _own() -> list[Rule]:
    down = 'up{job="polycloud"} == 0 or absent(up{job="polycloud"})'  # without a pod there is no name, and no series
    return [
        _alert("PolycloudDown", down, "1m", "page", "A polycloud gateway does not answer"),
        _alert("EstateRefused", "polycloud_estate_refused == 1", "1m", "ticket", "The estate on disk has errors"),
        _alert("JournalLags", "polycloud_journal_lag_bytes > 50000000", "5m", "ticket", "Records wait to be stored"),
        _alert(
            "CredentialExpires",
            "polycloud_credential_expires - time() < 300 and polycloud_credential_expires > 0",
            "1m",
            "page",
            "{{ $labels.credential }} expires in {{ $value | humanizeDuration }}",
        ),
    ]


def _alert(name: str, test: str, held: str, severity: str, summary: str, **labels: str) -> Rule:
    return {
        "alert": name,
        "expr": test,
        "for": held,
        "labels": {"severity": severity, **labels},
        "annotations": {"summary": summary},
    }


def rule_tests(blueprint: Blueprint) -> str:
    """Unit tests for promtool: an outage pages, a quiet day does not."""
    tests: list[Rule] = []
    for objective in blueprint.objectives:
        if objective.measure != "availability" or objective.target_ppm >= PPM:
            continue
        labels = {"severity": "page", "slo": objective.name, "window": "1h"}
        outage = {"exp_labels": labels, "exp_annotations": _annotations(objective, "1h", 14.4)}
        tests += [
            {
                "interval": "1m",
                "input_series": [{"series": 'polycloud_requests_total{outcome="error"}', "values": "0+60x90"}],
                "alert_rule_test": [
                    {"eval_time": "1h10m", "alertname": "ErrorBudgetBurns", "exp_alerts": [outage, *_also(objective)]}
                ],
            },
            {
                "interval": "1m",
                "input_series": [{"series": 'polycloud_requests_total{outcome="ok"}', "values": "0+60x90"}],
                "alert_rule_test": [{"eval_time": "1h10m", "alertname": "ErrorBudgetBurns", "exp_alerts": []}],
            },
        ]
    head = header("Tests of the rules: promtool test rules", blueprint.estate, "slos")
    return dump({"rule_files": ["../rules/polycloud.yml"], "evaluation_interval": "1m", "tests": tests}, head=head)


def _also(objective: Objective) -> list[Rule]:
    """The slower windows see a whole outage too."""
    return [
        {
            "exp_labels": {"severity": severity, "slo": objective.name, "window": long},
            "exp_annotations": _annotations(objective, long, burn),
        }
        for long, _, burn, severity in BURNS[1:]
    ]


def _annotations(objective: Objective, window: str, burn: float) -> dict[str, str]:
    return {
        "summary": f"{objective.name}: the error budget burns {burn:g} times too fast over {window}",
        "description": f"Promise: {objective.target_ppm / PPM:.4%} of {objective.measure}.",
    }


def _seconds(window: str) -> int:
    return int(window[:-1]) * {"m": 60, "h": 3600, "d": 86_400}[window[-1]]


def _le(edge: float) -> str:
    """A bucket's bound as Prometheus' Python client writes it: 1 is ``1.0``."""
    return repr(float(edge))
