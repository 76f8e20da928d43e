"""Each checker lets a good sample pass and finds a planted fault: one that can not fail proves nothing."""

import json
from pathlib import Path

import pytest

from tests.deploy import checkers

BUCKET = """
terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

provider "aws" {
  region = "eu-west-1"
}

resource "aws_s3_bucket" "lake" {
  bucket = "northwind-lake"
}

resource "aws_s3_bucket_versioning" "lake" {
  bucket = aws_s3_bucket.lake.id
  versioning_configuration {
    status = "Enabled"
  }
}
"""
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "gateway"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "gateway"}},
        "template": {
            "metadata": {"labels": {"app": "gateway"}},
            "spec": {"containers": [{"name": "gateway", "image": "example.org/gateway:1"}]},
        },
    },
}
ROUTE = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "DestinationRule",
    "metadata": {"name": "gateway"},
    "spec": {"host": "gateway", "trafficPolicy": {"loadBalancer": {"localityLbSetting": {"enabled": True}}}},
}
APPLICATIONS = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "ApplicationSet",
    "metadata": {"name": "fleet"},
    "spec": {
        "goTemplate": True,
        "goTemplateOptions": ["missingkey=error"],
        "generators": [{"list": {"elements": [{"cluster": "aws-eu-west-1"}]}}],
        "template": {
            "metadata": {"name": "{{.cluster}}"},
            "spec": {
                "project": "default",
                "destination": {"name": "{{.cluster}}", "namespace": "polycloud"},
                "source": {"repoURL": "https://example.org/estate.git", "path": "k8s", "targetRevision": "main"},
            },
        },
    },
}
TRAINING = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Workflow",
    "metadata": {"generateName": "train-", "name": "train"},
    "spec": {
        "entrypoint": "train",
        "templates": [{"name": "train", "container": {"image": "example.org/train:1", "command": ["train"]}}],
    },
}
QUEUE = {
    "apiVersion": "kueue.x-k8s.io/v1beta2",
    "kind": "ClusterQueue",
    "metadata": {"name": "gpu"},
    "spec": {
        "namespaceSelector": {},
        "resourceGroups": [
            {
                "coveredResources": ["nvidia.com/gpu"],
                "flavors": [{"name": "a100", "resources": [{"name": "nvidia.com/gpu", "nominalQuota": "8"}]}],
            }
        ],
    },
}
SERVED = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {"name": "ranker"},
    "spec": {"predictor": {"minReplicas": 1, "model": {"modelFormat": {"name": "onnx"}, "storageUri": "s3://m/r"}}},
}
ENVOY = """
static_resources:
  listeners:
  - name: edge
    address: {socket_address: {address: 127.0.0.1, port_value: 10000}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: edge
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - {name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: gateway}}]}
  clusters:
  - name: gateway
    load_assignment:
      cluster_name: gateway
      endpoints:
      - lb_endpoints:
        - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 8080}}}
"""
RULES = """
groups:
- name: latency
  rules:
  - alert: CrossCloudLatencyHigh
    expr: polycloud_link_rtt_seconds > 0.1
    for: 5m
    labels: {severity: page}
"""
RULES_TEST = """
rule_files: [rules.yaml]
evaluation_interval: 1m
tests:
- interval: 1m
  input_series:
  - {series: 'polycloud_link_rtt_seconds{from="aws"}', values: "0.2x10"}
  alert_rule_test:
  - {eval_time: 3m, alertname: CrossCloudLatencyHigh, exp_alerts: []}
  - eval_time: 6m
    alertname: CrossCloudLatencyHigh
    exp_alerts: [{exp_labels: {from: aws, severity: page}}]
"""
SCRAPE = "scrape_configs: [{job_name: gateway, static_configs: [{targets: ['127.0.0.1:8080']}]}]\nrule_files: []\n"
ALERTS = "route: {receiver: team}\nreceivers: [{name: team, webhook_configs: [{url: 'https://example.org/alerts'}]}]\n"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["bedrock:InvokeModelWithResponseStream"],
            "Resource": ["arn:aws:bedrock:eu-west-1::foundation-model/*"],
        }
    ],
}


def module(folder: Path, text: str, old: str = "", new: str = "") -> Path:
    """A root module with this text, in which ``old`` (which must be there) became ``new``."""
    assert old in text
    (folder / "main.tf").write_text(text.replace(old, new).lstrip())
    return folder


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def some(findings: list[str], *words: str) -> bool:
    """Whether one line among the findings has all the words."""
    return any(all(word in line for word in words) for line in findings)


def changed(document: dict, path: str, value: object) -> str:
    """The document as YAML (JSON is YAML) with one value at a dotted path set."""
    copy = json.loads(json.dumps(document))
    *way, last = path.split(".")
    place = copy
    for step in way:
        place = place[int(step)] if step.isdigit() else place[step]
    place[last] = value
    return json.dumps(copy)


def test_terraform_fmt(tmp_path):
    assert checkers.terraform_fmt(module(tmp_path, BUCKET)) == []
    assert some(checkers.terraform_fmt(module(tmp_path, BUCKET, "  bucket = ", "  bucket   = ")), "main.tf")


def test_terraform_validate(tmp_path):
    assert checkers.terraform_validate(module(tmp_path, BUCKET)) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('  bucket = "northwind', '  buckett = "northwind', ["main.tf:14", "Unsupported argument"]),
        ("aws_s3_bucket.lake.id", "aws_s3_bucket.sea.id", ["undeclared resource"]),
        ("aws_s3_bucket.lake.id", "aws_s3_bucket.lake.ident", ["Unsupported attribute"]),
        ('  versioning_configuration {\n    status = "Enabled"\n  }\n', "", ["versioning_configuration"]),
        ('"Enabled"', "[1]", ["Incorrect attribute value type"]),
        ('"Enabled"', '"On"', ["versioning_configuration.status", "not what the provider accepts"]),
        ('resource "aws_s3_bucket_versioning"', 'resource "aws_s3_bucket_version"', ["Invalid resource type"]),
        ('  region = "eu-west-1"', '  regoin = "eu-west-1"', ["main.tf:10", "Unsupported argument"]),
    ],
)
def test_terraform_validate_finds(tmp_path, old, new, words):
    assert some(checkers.terraform_validate(module(tmp_path, BUCKET, old, new)), *words)


def test_terraform_pins(tmp_path):
    pin = 'source = "hashicorp/aws"\n      version = "~> 6.69"'
    assert checkers.terraform_pins(module(tmp_path, BUCKET, 'source = "hashicorp/aws"', pin)) == []
    assert some(checkers.terraform_pins(module(tmp_path, BUCKET)), "hashicorp/aws: not pinned")
    old = pin.replace("6.69", "5.100")
    assert some(
        checkers.terraform_pins(module(tmp_path, BUCKET, 'source = "hashicorp/aws"', old)), "does not let in 6."
    )
    assert some(checkers.terraform_pins(module(tmp_path, BUCKET, "hashicorp/aws", "hashicorp/random")), "no schema")


def test_terraform_finds_the_modules_beside_it(tmp_path):
    (tmp_path / "aws").mkdir()
    (tmp_path / "modules" / "lake").mkdir(parents=True)
    module(tmp_path / "aws", 'module "lake" {\n  source = "../modules/lake"\n}\n')
    module(tmp_path / "modules" / "lake", BUCKET, 'provider "aws" {\n  region = "eu-west-1"\n}\n')
    assert checkers.terraform_validate(tmp_path / "aws", within=tmp_path) == []
    module(tmp_path / "modules" / "lake", BUCKET, '"northwind-lake"', "var.name")
    assert some(checkers.terraform_validate(tmp_path / "aws", within=tmp_path), "undeclared input variable")


def test_terraform_roundtrip_leaves_remote_state_alone(tmp_path):
    remote = 'terraform {\n  backend "s3" {\n    bucket = "state"\n    key = "aws"\n    use_lockfile = true\n  }\n'
    done = checkers.terraform_roundtrip(module(tmp_path, BUCKET, "terraform {\n", remote))
    assert done.findings == []
    assert [path.name for path in tmp_path.iterdir()] == ["main.tf"]


def test_terraform_roundtrip(tmp_path):
    done = checkers.terraform_roundtrip(module(tmp_path, BUCKET))
    assert done.findings == []
    assert {change["change"]["actions"][0] for change in done.plan["resource_changes"]} == {"create"}
    (bucket,) = [r for r in done.state["values"]["root_module"]["resources"] if r["type"] == "aws_s3_bucket"]
    assert bucket["values"]["arn"].startswith("arn:aws:s3:")


def test_terraform_roundtrip_finds_what_never_settles(tmp_path):
    folder = module(tmp_path, BUCKET, '"northwind-lake"', '"lake-${formatdate("hh-mm-ss", timestamp())}"')
    assert some(checkers.terraform_roundtrip(folder).findings, "terraform")


def test_terraform_test(tmp_path):
    folder = module(tmp_path, BUCKET)
    assert checkers.terraform_test(folder) == ["no test is shipped"]
    run = 'mock_provider "aws" {{}}\nrun "named" {{\n  command = plan\n  assert {{\n    condition = {}\n'
    run += '    error_message = "wrong name"\n  }}\n}}\n'
    written(folder, "main.tftest.hcl", run.format('aws_s3_bucket.lake.bucket == "northwind-lake"'))
    assert checkers.terraform_test(folder) == []
    written(folder, "main.tftest.hcl", run.format('aws_s3_bucket.lake.bucket == "pond"'))
    assert some(checkers.terraform_test(folder), "wrong name")


@pytest.mark.slow
def test_every_terraform_engine_agrees(tmp_path):
    for engine in checkers.terraform_engines():
        folder = module(tmp_path, BUCKET)
        assert checkers.terraform_validate(folder, engine) == []
        assert checkers.terraform_roundtrip(folder, with_engine=engine).findings == []
        assert checkers.terraform_validate(module(tmp_path, BUCKET, '"Enabled"', "[1]"), engine)


@pytest.mark.slow
def test_checkov(tmp_path):
    folder = module(tmp_path, BUCKET)
    found = checkers.checkov(folder)
    assert some(found, "CKV2_AWS_6", "aws_s3_bucket.lake")
    names = sorted({finding.split()[0] for finding in found})
    assert checkers.checkov(folder, skip=names) == []


def test_kustomize_build(tmp_path):
    written(tmp_path, "deployment.yaml", json.dumps(DEPLOYMENT))
    written(tmp_path, "kustomization.yaml", "resources: [deployment.yaml]\nnamePrefix: eu-\n")
    (built,) = checkers.documents(checkers.kustomize_build(tmp_path))
    assert built["metadata"]["name"] == "eu-gateway"
    written(tmp_path, "kustomization.yaml", "resources: [deploymnt.yaml]\n")
    with pytest.raises(checkers.Broken, match=r"deploymnt\.yaml"):
        checkers.kustomize_build(tmp_path)


@pytest.mark.parametrize("version", ["1.34", "1.35", "1.36"])
def test_kubernetes_strict(version):
    assert checkers.kubernetes_strict(json.dumps(DEPLOYMENT), version) == []
    wrong_type = changed(DEPLOYMENT, "spec.replicas", "two")
    unknown = changed(DEPLOYMENT, "spec.template.spec.containers.0.imagePullPolice", "Always")
    gone = changed(DEPLOYMENT, "apiVersion", "extensions/v1beta1")
    assert some(checkers.kubernetes_strict(wrong_type, version), "Deployment/gateway: spec.replicas")
    assert some(checkers.kubernetes_strict(unknown, version), "imagePullPolice")
    assert some(checkers.kubernetes_strict(gone, version), "extensions/v1beta1")


def test_helm(tmp_path):
    (tmp_path / "templates").mkdir()
    written(tmp_path, "Chart.yaml", "apiVersion: v2\nname: gateway\nversion: 0.1.0\nicon: https://example.org/i.png\n")
    written(tmp_path, "values.yaml", "replicas: 2\n")
    text = json.dumps(DEPLOYMENT, indent=1)
    template = written(tmp_path / "templates", "d.yaml", text.replace("2,", "{{ .Values.replicas }},", 1))
    assert checkers.helm_lint(tmp_path) == []
    (built,) = checkers.documents(checkers.helm_template(tmp_path, {"replicas": 5}))
    assert built["spec"]["replicas"] == 5
    template.write_text(text.replace("2,", "{{ .Values.replicas | nosuchfunction }},", 1))
    assert some(checkers.helm_lint(tmp_path), "nosuchfunction")
    with pytest.raises(checkers.Broken, match="nosuchfunction"):
        checkers.helm_template(tmp_path)


@pytest.mark.parametrize("document", [ROUTE, APPLICATIONS, TRAINING, QUEUE, SERVED], ids=lambda d: d["kind"])
def test_custom_resources(document):
    assert checkers.custom_resources(json.dumps(document)) == []


@pytest.mark.parametrize(
    ("document", "path", "value", "word"),
    [
        (ROUTE, "spec.trafficPolicy.loadBalancer.localityLbSetting.enabled", "yes", "boolean"),
        (ROUTE, "spec.trafficPolicey", {}, "trafficPolicey"),
        (ROUTE, "apiVersion", "networking.istio.io/v9", "v9"),
        (APPLICATIONS, "spec.template.spec.source", {"path": "k8s"}, "repoURL"),
        (APPLICATIONS, "spec.generators.0.list.elemens", [], "elemens"),
        (TRAINING, "spec.templates.0.container.command", "train", "command"),
        (TRAINING, "spec.entrypiont", "train", "entrypiont"),
        (QUEUE, "spec.queueingStrategy", "FIFO", "FIFO"),
        (QUEUE, "spec.cohort", "all", "cohort"),
        (SERVED, "spec.predictor.minReplica", 1, "minReplica"),
        (SERVED, "apiVersion", "serving.kserve.io/v9", "no schema"),
    ],
)
def test_custom_resources_finds(document, path, value, word):
    assert some(checkers.custom_resources(changed(document, path, value)), document["kind"], word)


@pytest.mark.parametrize(
    ("old", "new"),
    [("{cluster: gateway}", "{cluster: gatewya}"), ("stat_prefix", "stat_prefixx"), ("8080", "eighty")],
)
def test_envoy_validate(tmp_path, old, new):
    assert checkers.envoy_validate(written(tmp_path, "envoy.yaml", ENVOY)) == []
    assert checkers.envoy_validate(written(tmp_path, "envoy.yaml", ENVOY.replace(old, new))) != []


def test_promtool(tmp_path):
    rules = written(tmp_path, "rules.yaml", RULES)
    tests = written(tmp_path, "tests.yaml", RULES_TEST)
    config = written(tmp_path, "prometheus.yaml", SCRAPE)
    assert checkers.promtool_rules(rules) == []
    assert checkers.promtool_test(tests) == []
    assert checkers.promtool_config(config) == []
    written(tmp_path, "rules.yaml", RULES.replace("for: 5m", "for: 15m"))
    assert some(checkers.promtool_test(tests), "FAILED")
    written(tmp_path, "rules.yaml", RULES.replace("polycloud_link_rtt_seconds", "nosuch(polycloud_link_rtt_seconds)"))
    assert some(checkers.promtool_rules(rules), "nosuch")
    written(tmp_path, "prometheus.yaml", SCRAPE.replace("job_name", "jobname"))
    assert some(checkers.promtool_config(config), "jobname")


def test_amtool(tmp_path):
    assert checkers.amtool(written(tmp_path, "alertmanager.yaml", ALERTS)) == []
    assert some(
        checkers.amtool(written(tmp_path, "alertmanager.yaml", ALERTS.replace("receiver: ", "receiver: x"))), "xteam"
    )


def test_promql():
    assert checkers.promql(["sum by (site) (rate(polycloud_requests_total[5m]))"]) == []
    assert some(checkers.promql(["up", "sum by site (rate(up[5m]))"]), "sum by site")


def test_parliament():
    assert checkers.parliament(json.dumps(POLICY)) == []
    text = json.dumps(POLICY)
    assert some(checkers.parliament(text.replace("ResponseStream", "RespnseStream")), "RespnseStream")
    assert some(checkers.parliament(text.replace(":foundation-model/*", ":model/*")), "RESOURCE_MISMATCH")
    objects = {**POLICY["Statement"][0], "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::lake"]}
    assert some(checkers.parliament(json.dumps({**POLICY, "Statement": [objects]})), "MISMATCH", "s3:GetObject")


def test_a_missing_tool_skips_and_says_so():
    with pytest.raises(pytest.skip.Exception, match="nosuchtool is not installed: run `make tools`"):
        checkers.tool("nosuchtool")
