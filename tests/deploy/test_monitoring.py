"""Monitoring under the real tools: Prometheus, its rule tests, Alertmanager, PromQL, over every example."""

import json
import re
from pathlib import Path

import msgspec
import pytest
import yaml

from polycloud.app.control.metrics import SECONDS, Gauges, Metrics
from polycloud.deploy.blueprint import Objective, Paging, Shift
from polycloud.deploy.checks import together
from polycloud.deploy.ports import Rendered
from polycloud.deploy.render.monitoring import grafana, metrics, render, rules
from tests.deploy import blueprints, checkers
from tests.deploy.estates import EVERY, NAMES, blueprint, written


@pytest.mark.parametrize("name", NAMES)
def test_the_real_tools_accept_every_file(name: str, tmp_path: Path) -> None:
    at = written(tmp_path, render(blueprint(name))) / "monitoring"
    assert checkers.promtool_rules(at / "prometheus/rules/polycloud.yml") == []
    for path in sorted((at / "prometheus").glob("*.yml")):
        text = path.read_text().replace("/etc/prometheus/rules/*.yml", str(at / "prometheus/rules/*.yml"))
        path.write_text(text)
        assert checkers.promtool_config(path) == []
    assert checkers.amtool(at / "alertmanager/alertmanager.yml") == []


@pytest.mark.parametrize("name", ["active-active"])
def test_an_outage_pages_and_a_quiet_day_does_not(name: str, tmp_path: Path) -> None:
    at = written(tmp_path, render(blueprint(name))) / "monitoring"
    path = at / "prometheus/tests/polycloud.yml"
    assert len(yaml.safe_load(path.read_text())["tests"]) == 2
    assert checkers.promtool_test(path) == []
    quiet = path.read_text().replace("0+60x90", "0+0x90")
    path.write_text(quiet)
    assert checkers.promtool_test(path) != []  # without an outage the page must be missed


def test_every_query_of_a_dashboard_is_promql() -> None:
    assert checkers.promql(grafana.expressions()) == []


def test_dashboards_and_rules_use_exported_metrics_only() -> None:
    found = render(blueprint("active-active"))
    names = [f"{kind}:{c.name}" for kind in ("cluster", "name") for c in blueprint("active-active").clusters]
    others = Rendered({}, provides=(*names, "exporter:yace"))
    assert together({"monitoring": found, "clusters": others}).problems == ()
    broken = Rendered(found.files, needs=found.needs)
    assert any("metric:polycloud_requests_total" in p for p in together({"m": broken, "c": others}).problems)


def test_the_list_of_our_metrics_is_what_the_control_process_exports() -> None:
    exported = Metrics(_Clock(), lambda: Gauges(credentials_expire={"x": 1.0})).exposition().decode()
    families = {
        (name, kind)
        for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", exported, re.M)
        if not name.endswith("_created")
    }
    real = {f"{name}_bucket" if kind == "histogram" else name for name, kind in families}
    assert set(metrics.OWN) <= real
    assert metrics.RESPONSE_BUCKETS == SECONDS


class _Clock:
    def wall(self) -> float:
        return 0.0

    def monotonic(self) -> float:
        return 0.0


def test_a_bound_between_buckets_is_read_strictly() -> None:
    assert rules.bucket(0.2) == 0.2
    assert rules.bucket(0.24) == 0.2
    assert rules.bucket(0.01) == 0.05


def test_a_promise_of_everything_has_no_budget_to_burn() -> None:
    found = rules._objective(Objective("all", "availability", 1_000_000, 86_400))
    assert found is not None
    assert all("alert" not in rule for rule in found["rules"])


def test_shifts_page_in_their_hours_and_the_second_line_waits(tmp_path: Path) -> None:
    shifts = (Shift("europe", "Europe/Berlin", "08:00", "16:00"), Shift("night", "Asia/Tokyo", "22:00", "06:00"))
    paging = Paging("hook", "duty", shifts, (Shift("lead", "UTC", "00:00", "24:00"),), 10)
    at = written(tmp_path, render(msgspec.structs.replace(blueprint("active-active"), paging=paging))) / "monitoring"
    path = at / "alertmanager/alertmanager.yml"
    old = tmp_path / "old.yml"  # webhooks read their address from a file since 0.26, which this amtool may predate
    old.write_text(re.sub(r"url_file: .*", "url: http://hook.example/", path.read_text()))
    assert checkers.amtool(old) == []
    assert "url_file: /etc/alertmanager/secrets/hook" in path.read_text()
    found = yaml.safe_load(path.read_text())
    times = {one["name"]: one["time_intervals"][0] for one in found["time_intervals"]}
    assert times["night"]["times"] == [
        {"start_time": "22:00", "end_time": "24:00"},
        {"start_time": "00:00", "end_time": "06:00"},
    ]
    second = next(r for r in found["route"]["routes"] if r["receiver"] == "secondary-lead")
    assert second["group_wait"] == "10m"
    assert "secret" not in path.read_text().replace("/etc/alertmanager/secrets", "")


@pytest.mark.parametrize("name", EVERY)
def test_collectors_refer_to_what_they_define_and_scrub_what_callers_wrote(name: str) -> None:
    found = render(blueprint(name))
    collectors = {path: yaml.safe_load(text) for path, text in found.files.items() if "/otel/" in path}
    assert len(collectors) == len(blueprint(name).clusters) + 1
    for path, content in collectors.items():
        for pipeline in content["service"]["pipelines"].values():
            for part in ("receivers", "processors", "exporters"):
                assert set(pipeline[part]) <= set(content[part]), path
            if "central" not in path:
                assert "attributes" in pipeline["processors"]
        if "central" not in path:
            assert "prometheus" in content["service"]["pipelines"]["metrics"]["receivers"]
            (job,) = content["receivers"]["prometheus"]["config"]["scrape_configs"]
            assert job in yaml.safe_load(found.files[path.replace("/otel/", "/prometheus/")])["scrape_configs"]
            dropped = {
                one["key"] for one in content["processors"]["attributes"]["actions"] if one["action"] == "delete"
            }
            assert {"gen_ai.prompt", "gen_ai.completion"} <= dropped


def test_dashboards_are_json_with_one_panel_for_each_query() -> None:
    for path, text in render(blueprint("active-active")).files.items():
        if path.endswith(".json"):
            board = json.loads(text)
            assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"]) >= 5


def test_the_same_estate_gives_the_same_bytes() -> None:
    assert render(blueprint("active-active")) == render(blueprint("active-active"))


def test_no_rule_or_panel_waits_for_a_figure_that_nobody_exports(tmp_path: Path) -> None:
    whole = blueprint("oci-primary")
    assert metrics.lags(whole) == ()
    found = render(whole)
    assert not any("aws_s3_replication" in text for text in found.files.values())
    assert any(gap.startswith("promise replication is not watched") for gap in found.gaps)
    alone = msgspec.structs.replace(whole, clusters=whole.clusters[:1])
    lonely = render(alone)
    assert not any("probe_http_duration_seconds" in text for text in lonely.files.values())
    others = Rendered({}, provides=(f"cluster:{alone.clusters[0].name}",))
    assert together({"monitoring": lonely, "clusters": others}).problems == ()
    path = written(tmp_path, lonely) / "monitoring/prometheus/rules/polycloud.yml"
    assert checkers.promtool_rules(path) == []


def test_the_alert_on_replication_is_the_recovery_point_of_the_estate() -> None:
    whole = msgspec.structs.replace(blueprint("active-active"), continuity={"rpo": 123})
    assert [lag.metric for lag in metrics.lags(whole)] == ["aws_s3_replication_latency_maximum"]
    assert (
        "(aws_s3_replication_latency_maximum) > 123" in render(whole).files["monitoring/prometheus/rules/polycloud.yml"]
    )


def test_lags_of_databases_are_watched_in_seconds_whoever_tells_them(tmp_path: Path) -> None:
    """Every engine whose cloud tells it: CloudWatch's milliseconds, Azure's and Google's seconds; Oracle's are told."""
    whole = msgspec.structs.replace(blueprints.blueprint(blueprints.EVERYTHING), continuity={"rpo": 60})
    found = render(whole)
    kinds = {(d.site.cloud, d.engine) for d in whole.databases if d.near()}
    assert {kind for kind in kinds if kind not in metrics.DATABASES} == {("oci", "oracle"), ("gcp", "spanner")}
    assert any("copies of general-ledger, stock are behind" in gap for gap in found.gaps)
    at = written(tmp_path, found) / "monitoring"
    for path in sorted((at / "prometheus").glob("*.yml")):
        path.write_text(path.read_text().replace("/etc/prometheus/rules/*.yml", str(at / "prometheus/rules/*.yml")))
        assert checkers.promtool_config(path) == []
    jobs = {path.stem: yaml.safe_load(path.read_text())["scrape_configs"] for path in (at / "prometheus").glob("*.yml")}
    exporters = {name: {job["job_name"] for job in made} for name, made in jobs.items()}
    assert "yace" in exporters["aws-main"] and "stackdriver-exporter" in exporters["gcp-main"]
    assert "azure-metrics-exporter" in exporters["azure-main"] and "yace" not in exporters["azure-main"]
    asked = yaml.safe_load((at / "exporters/yace.yml").read_text())["discovery"]["jobs"]
    assert {job["type"] for job in asked} == {"AWS/S3", "AWS/RDS", "AWS/DynamoDB", "AWS/Cassandra"}
    series = {
        "aws_dynamodb_replication_latency_maximum": (61_000, 59_000),
        "aws_rds_aurora_global_dbreplication_lag_maximum": (61_000, 59_000),
        'azurerm_resource_metric{metric="physical_replication_delay_in_seconds"}': (61, 59),
        'azurerm_resource_metric{metric="ReplicationLatency"}': (61_000, 59_000),
        metrics.CLOUD_SQL: (61, 59),
    }
    tests = []
    for name, values in series.items():
        for late, value in zip((True, False), values, strict=True):
            text = f"Replication is {'1m 1s' if late else ''} behind"
            labels = {"severity": "page"} | dict(re.findall(r'(\w+)="(.*?)"', name))
            alert = [{"exp_labels": labels, "exp_annotations": {"summary": text}}] if late else []
            tests.append(
                {
                    "interval": "1m",
                    "input_series": [{"series": name, "values": f"{value}+0x20"}],
                    "alert_rule_test": [{"eval_time": "10m", "alertname": "ReplicationLags", "exp_alerts": alert}],
                }
            )
    file = at / "prometheus/tests/lags.yml"
    file.write_text(yaml.safe_dump({"rule_files": ["../rules/polycloud.yml"], "tests": tests}))
    assert checkers.promtool_test(file) == []


def test_slow_and_lost_ways_between_clouds_page_and_near_or_far_ones_of_no_concern_do_not(tmp_path: Path) -> None:
    whole = blueprint("active-active")
    at = written(tmp_path, render(whole)) / "monitoring"
    jobs = yaml.safe_load((at / "prometheus/aws-us-east-1.yml").read_text())["scrape_configs"]
    probe = next(job for job in jobs if job["job_name"] == "cross-cloud")
    pairs = {target["labels"]["to"]: target["labels"]["pair"] for target in probe["static_configs"]}
    assert pairs["aws-us-west-2"] == "same-cloud"
    assert pairs["azure-eastus"] == "cross-cloud"
    assert pairs["gcp-asia-east1"] == "far"
    tests = []
    for pair, seconds, success, alerts in (
        ("cross-cloud", 0.2, 1, ["CrossCloudLatencyHigh"]),
        ("cross-cloud", 0.09, 1, []),
        ("far", 0.2, 1, []),
        ("same-cloud", 0.2, 1, []),
        ("cross-cloud", 0.001, 0, ["ClusterUnreachable"]),
    ):
        labels = f'job="cross-cloud",pair="{pair}",to="there"'
        series = [
            {"series": f'probe_http_duration_seconds{{{labels},phase="processing"}}', "values": f"{seconds}+0x20"},
            {"series": f"probe_success{{{labels}}}", "values": f"{success}+0x20"},
        ]
        for name in ("CrossCloudLatencyHigh", "ClusterUnreachable"):
            given = {"job": "cross-cloud", "pair": pair, "to": "there", "severity": "page"}
            slow = name == "CrossCloudLatencyHigh"
            text = " to there takes 200ms" if slow else " does not reach there"
            told = [
                {"exp_labels": given | ({"phase": "processing"} if slow else {}), "exp_annotations": {"summary": text}}
            ]
            expected = told if name in alerts else []
            moments = [
                {"eval_time": "4m", "alertname": name, "exp_alerts": []},
                {"eval_time": "6m", "alertname": name, "exp_alerts": expected},
            ]
            tests.append({"interval": "1m", "input_series": series, "alert_rule_test": moments})
    file = at / "prometheus/tests/ways.yml"
    file.write_text(
        yaml.safe_dump({"rule_files": ["../rules/polycloud.yml"], "evaluation_interval": "1m", "tests": tests})
    )
    assert checkers.promtool_test(file) == []


def test_a_probe_that_fails_is_no_quick_answer(tmp_path: Path) -> None:
    whole = msgspec.structs.replace(
        blueprint("active-active"),
        objectives=(Objective("near", "cross-cloud-latency", 950_000, 86_400, bound_seconds=0.05),),
    )
    at = written(tmp_path, render(whole)) / "monitoring"
    labels = 'job="cross-cloud",pair="cross-cloud",to="there"'
    series = [
        {"series": f'probe_http_duration_seconds{{{labels},phase="processing"}}', "values": "0.001+0x90"},
        {"series": f"probe_success{{{labels}}}", "values": "0+0x90"},
    ]
    ratio = {
        "expr": "slo:near:bad_ratio_5m",
        "eval_time": "1h",
        "exp_samples": [{"labels": "slo:near:bad_ratio_5m", "value": 1}],
    }
    file = at / "prometheus/tests/probe.yml"
    given = {"interval": "1m", "input_series": series, "promql_expr_test": [ratio]}
    file.write_text(
        yaml.safe_dump({"rule_files": ["../rules/polycloud.yml"], "evaluation_interval": "1m", "tests": [given]})
    )
    assert checkers.promtool_test(file) == []
