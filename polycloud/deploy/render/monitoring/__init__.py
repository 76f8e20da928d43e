"""Monitoring from the estate's promises: Prometheus, Alertmanager, Grafana, OpenTelemetry, exporters."""

import re

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.ports import Reference, Rendered
from polycloud.deploy.render.monitoring import alertmanager, grafana, metrics, otel, rules
from polycloud.deploy.yaml import dump, header

FOLDER = "monitoring"
_ASKED = re.compile(r"\$\{env:([A-Z_]+)\}")
_METRIC = re.compile(r"\b((?:aws|azurerm|polycloud|probe|stackdriver)_[a-z0-9_]+)\b")


# What YACE asks CloudWatch for, by the metric that it makes of it.
YACE = {
    "aws_s3_replication_latency_maximum": ("AWS/S3", "ReplicationLatency"),
    "aws_rds_aurora_global_dbreplication_lag_maximum": ("AWS/RDS", "AuroraGlobalDBReplicationLag"),
    "aws_dynamodb_replication_latency_maximum": ("AWS/DynamoDB", "ReplicationLatency"),
    "aws_cassandra_replication_latency_maximum": ("AWS/Cassandra", "ReplicationLatency"),
}


def render(blueprint: Blueprint) -> Rendered:
    """All of it; nothing where there is no cluster to watch."""
    if not blueprint.clusters:
        return Rendered({})
    files = {f"{FOLDER}/prometheus/{c.name}.yml": rules.prometheus(c, blueprint) for c in blueprint.clusters}
    files[f"{FOLDER}/prometheus/rules/polycloud.yml"] = rules.rules(blueprint)
    files[f"{FOLDER}/prometheus/tests/polycloud.yml"] = rules.rule_tests(blueprint)
    files[f"{FOLDER}/alertmanager/alertmanager.yml"] = alertmanager.alertmanager(blueprint)
    files |= {f"{FOLDER}/grafana/{n}.json": text for n, text in grafana.dashboards(blueprint).items()}
    files |= {f"{FOLDER}/otel/{c.name}.yml": otel.collector(c, blueprint) for c in blueprint.clusters}
    files[f"{FOLDER}/otel/central.yml"] = otel.central(blueprint)
    files |= _exporters(blueprint)
    needs = [
        Reference(f"metric:{name}", path)
        for path, text in files.items()
        if path.endswith((".json", "rules/polycloud.yml"))
        for name in sorted(set(_METRIC.findall(text)))
    ]
    needs += [Reference(f"cluster:{c.name}", f"{FOLDER}/prometheus/{c.name}.yml") for c in blueprint.clusters]
    if len(blueprint.clusters) > 1:
        needs += [Reference(f"name:{c.name}", f"{FOLDER}/prometheus/{c.name}.yml") for c in blueprint.clusters]
    gaps = [
        f"promise {one.name} is not watched: no exporter tells the {one.measure} of this estate"
        for one in blueprint.objectives
        if not metrics.watched(blueprint, one.measure)
    ]
    if any(b.copies_to and b.site.cloud != "aws" for b in blueprint.buckets):
        gaps.append("only S3 reports its replication lag to Prometheus; watch that of other stores in their consoles")
    if not (blueprint.paging.webhook or blueprint.paging.pagerduty):
        gaps.append("nobody is told of alerts: write alerts: {webhook: secret:NAME}, or pagerduty:, into the estate")
    unseen = [d.name for d in blueprint.databases if d.near() and (d.site.cloud, d.engine) not in metrics.DATABASES]
    if unseen:
        gaps.append(f"no exporter tells how far copies of {', '.join(unseen)} are behind: watch them in their consoles")
    for cluster in blueprint.clusters:
        path = f"{FOLDER}/prometheus/{cluster.name}.yml"
        needs += [Reference(f"exporter:{name}", path) for name in metrics.exporters(blueprint, cluster.site.cloud)]
    told = sorted({metrics.COLLECTOR, *(lag.exporter for lag in metrics.lags(blueprint))})
    gaps.append(
        f"monitoring: install {', '.join(told)} in the namespace {metrics.NAMESPACE}, under service accounts of "
        "these names, to which the clouds' roots give their rights"
    )
    asked = sorted({name for text in files.values() for name in _ASKED.findall(text)})
    gaps.append(
        f"monitoring: give collectors {', '.join(asked)} (of Azure by terraform output, of Oracle Cloud from an APM "
        "domain of yours), and a certificate for each other in /etc/otel/tls"
    )
    provides = tuple(f"metric:{name}" for name in metrics.names(blueprint))
    return Rendered(files, provides=provides, needs=tuple(needs), gaps=tuple(gaps))


def _exporters(blueprint: Blueprint) -> dict[str, str]:
    """The probe between clusters, and CloudWatch's figures of S3 replication."""
    probe = {"modules": {"http_2xx": {"prober": "http", "timeout": "5s"}}}
    what = "The probe between clusters: its pod is in the mesh (label sidecar.istio.io/inject), which knows their names"
    head = header(what, blueprint.estate, "clusters")
    files = {f"{FOLDER}/exporters/blackbox.yml": dump(probe, head=head)}
    here = blueprint.of("aws")
    told = {lag.metric for lag in metrics.lags(blueprint) if lag.exporter == "yace"}
    if told:
        places = {bucket.site.region for bucket in here.buckets} | {database.site.region for database in here.databases}
        places |= {one.region for database in here.databases for one in database.replicas if one.cloud == "aws"}
        jobs = [
            {
                "type": kind,
                "regions": sorted(places),
                "metrics": [{"name": name, "statistics": ["Maximum"], "period": 60, "length": 300}],
            }
            for metric, (kind, name) in YACE.items()
            if metric in told
        ]
        content = {"apiVersion": "v1alpha1", "discovery": {"jobs": jobs}}
        head = header("CloudWatch's figures of replication, read by YACE", blueprint.estate, "datasets, databases")
        files[f"{FOLDER}/exporters/yace.yml"] = dump(content, head=head)
    return files
