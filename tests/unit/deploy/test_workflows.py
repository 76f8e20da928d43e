"""A training's workflow takes in what prepares its data, wherever that is placed, trains on accelerators, registers."""

from typing import Any

import msgspec
import yaml

from polycloud.deploy.blueprint import Blueprint, Run
from polycloud.deploy.render import kubernetes
from tests.deploy.placed_runs import by_hand, by_plan, run

TRAIN = run(
    "train", "training", "aws-us-east-1", "p4d.24xlarge", accelerator="A100", reads=["features"], writes=["ranker"]
)


def workflow(whole: Blueprint, name: str, cluster: str = "aws-us-east-1") -> dict[str, Any]:
    text = kubernetes.render(whole).files[f"workflows/{cluster}/{name}.yaml"]
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def tasks(found: dict[str, Any]) -> dict[str, list[str]]:
    """By step, what it waits for."""
    return {t["name"]: t.get("dependencies", []) for t in found["spec"]["templates"][0]["dag"]["tasks"]}


def with_runs(*runs: Run) -> Blueprint:
    return msgspec.structs.replace(by_hand(), runs=runs)


def test_what_feeds_it_from_another_cluster_is_waited_for_and_handed_over() -> None:
    clean = run("clean", "data", "gcp-us-central1", "e2-standard-8", reads=["clickstream"], writes=["clean"])
    features = run("features", "batch", "aws-us-east-1", "m7i.4xlarge", reads=["clean"], writes=["features"])
    serves = run("live", "application", "aws-us-east-1", "m7i.4xlarge", writes=["features"])
    whole = with_runs(clean, features, serves, TRAIN)
    found = workflow(whole, "train")
    assert tasks(found) == {
        "ingest-clean": [],
        "ingest-features": ["ingest-clean"],
        "train": ["ingest-features"],
        "register-ranker": ["train"],
    }
    steps = {step["name"]: step for step in found["spec"]["templates"]}
    assert steps["ingest-clean"] == {"name": "ingest-clean", "suspend": {}} and "resource" in steps["ingest-features"]
    told = found["metadata"]["annotations"]["workflows.argoproj.io/description"]
    assert "kubectl --context gcp-us-central1 -n workloads create job clean-now --from=cronjob/clean" in told
    assert "displayName=ingest-clean" in told and "ingest-features" not in told
    there = kubernetes.render(whole).files["kubernetes/overlays/gcp-us-central1/workloads.yaml"]
    assert [d["kind"] for d in yaml.safe_load_all(there) if d["metadata"]["name"] == "clean"] == ["CronJob"]
    (gap,) = [gap for gap in kubernetes.render(whole).gaps if "hands over" in gap]
    assert "clean in gcp-us-central1" in gap


def test_a_circle_of_work_is_no_circle_of_steps() -> None:
    one = run("one", "data", "aws-us-east-1", "m7i.4xlarge", reads=["two"], writes=["features"])
    two = run("two", "data", "aws-us-east-1", "m7i.4xlarge", reads=["features"], writes=["two"])
    found = tasks(workflow(with_runs(one, two, TRAIN), "train"))
    assert found == {
        "ingest-two": [],
        "ingest-one": ["ingest-two"],
        "train": ["ingest-one"],
        "register-ranker": ["train"],
    }


def test_work_that_nothing_feeds_begins_at_once() -> None:
    found = workflow(with_runs(TRAIN), "train")
    assert tasks(found) == {"train": [], "register-ranker": ["train"]} and "annotations" not in found["metadata"]


def test_an_example_that_is_planned_goes_all_the_way() -> None:
    found = workflow(by_plan("active-active"), "train-ranker")
    assert [name.partition("-")[0] for name in tasks(found)] == ["ingest", "train", "register"]
    assert "suspend" not in found["spec"]
    train = next(step for step in found["spec"]["templates"] if step["name"] == "train")
    assert "nvidia.com/gpu" in train["resource"]["manifest"]
