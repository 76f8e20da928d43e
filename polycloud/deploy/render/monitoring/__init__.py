"""Monitoring from the estate's promises: Prometheus, Alertmanager, Grafana, OpenTelemetry, exporters."""

import re

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.ports import Reference, Rendered
from polycloud.deploy.render.monitoring import alertmanager, grafana, metrics, otel, rules
from polycloud.deploy.yaml import dump, header

FOLDER = "monitoring"
_METRIC = re.compile(r"\b(polycloud_[a-z_]+|probe_[a-z_]+|aws_s3_[a-z_]+)\b")


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
    gaps = [
        f"promise {one.name} is not watched: no exporter tells the {one.measure} of this estate"
        for one in blueprint.objectives
        if not metrics.watched(blueprint, one.measure)
    ]
    if any(b.copies_to and b.site.cloud != "aws" for b in blueprint.buckets):
        gaps.append("only S3 reports its replication lag to Prometheus; watch that of other stores in their consoles")
    if len(blueprint.clusters) > 1:
        gaps.append("the probe between clusters asks CLUSTER.gateway.internal: let that name lead to its gateway")
    provides = tuple(f"metric:{name}" for name in metrics.names(blueprint))
    return Rendered(files, provides=provides, needs=tuple(needs), gaps=tuple(gaps))


def _exporters(blueprint: Blueprint) -> dict[str, str]:
    """The probe between clusters, and CloudWatch's figures of S3 replication."""
    probe = {"modules": {"http_2xx": {"prober": "http", "timeout": "5s", "http": {"fail_if_not_ssl": True}}}}
    head = header("The probe between clusters", blueprint.estate, "clusters")
    files = {f"{FOLDER}/exporters/blackbox.yml": dump(probe, head=head)}
    here = blueprint.of("aws")
    if metrics.replicates(blueprint):
        regions = sorted({bucket.site.region for bucket in here.buckets})
        lag = {"name": "ReplicationLatency", "statistics": ["Maximum"], "period": 60, "length": 300}
        job = {"type": "AWS/S3", "regions": regions, "metrics": [lag]}
        content = {"apiVersion": "v1alpha1", "discovery": {"jobs": [job]}}
        head = header("CloudWatch's figures of replication, read by YACE", blueprint.estate, "datasets")
        files[f"{FOLDER}/exporters/yace.yml"] = dump(content, head=head)
    return files
