"""Blueprints with something placed on their clusters: by hand for what is reviewed, by the planner for what is real."""

from functools import cache

import msgspec

from polycloud.app import planning
from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.deploy.blueprint import Blueprint, Principal, Run
from polycloud.deploy.derive import declared_copies, derive
from polycloud.deploy.derive.placed import copies, runs
from polycloud.estate import load
from polycloud.estate.schema.rules import Grant
from tests.deploy.estates import EXAMPLES, estate

IMAGE = "registry.example/northwind/{}:1.4.0"


def run(name: str, kind: str, cluster: str, machine: str, **more: object) -> Run:
    fields: dict[str, object] = {
        "name": name,
        "workload": name,
        "kind": kind,
        "cluster": cluster,
        "machine": machine,
        "count": 2,
        "spot": False,
        "image": IMAGE.format(name),
        "data_class": "training",
        "vcpu": 8.0,
        "memory_gib": 32.0,
    }
    return msgspec.convert({**fields, **more}, Run)


# One of each kind, over the clouds of the estate with eight clusters.
RUNS = (
    run("features", "data", "aws-us-east-1", "m7i.4xlarge", writes=["features"], reads=["clickstream"], count=3),
    run(
        "train",
        "training",
        "aws-us-east-1",
        "p4d.24xlarge",
        spot=True,
        count=8,
        accelerator="A100",
        accelerators_each=64,
        vcpu=None,
        memory_gib=None,
        reads=["features"],
        writes=["ranker"],
    ),
    run("rank", "inference", "gcp-europe-west1", "g2-standard-8", accelerator="L4", reads=["ranker"], least=2, most=12),
    run(
        "answer",
        "inference",
        "azure-eastus",
        "Standard_ND96isr_H100_v5",
        accelerator="H100",
        accelerators_each=8,
        vcpu=None,
        memory_gib=None,
        serves="llama",
        weights="hf://meta-llama/Llama-3.3-70B-Instruct",
        image="",
    ),
    run("score", "batch", "gcp-us-central1", "e2-standard-32", reads=["features"], count=15),
    run("web", "application", "azure-westeurope", "Standard_D8s_v5", count=6, least=2, most=24, data_class=""),
    run("waits", "application", "gcp-asia-east1", "e2-standard-8", image="", data_class=""),
)
MADE = dict.fromkeys(("features", "ranker"), ("aws/us-east-1",))  # what runs write, where they do
PRINCIPAL = Principal(
    "trainers",
    ("workload:train", "workload:answer", "workload:score", "workload:web"),
    (Grant(do=("read",), on=("dataset/*",)),),
)


@cache
def by_hand(name: str = "active-active") -> Blueprint:
    """The estate's blueprint with ``RUNS``, and a role that workloads have."""
    where = {**declared_copies(estate(name)), **MADE}
    found = derive(estate(name), Catalog.load(), Market.load(), RUNS, where)
    return msgspec.structs.replace(found, principals=(*found.principals, PRINCIPAL))


@cache
def by_plan(name: str) -> Blueprint:
    """What the planner makes of an example estate."""
    loaded = load(EXAMPLES / name / "estate.yaml", None)
    assert loaded.estate is not None
    placement = planning.place(loaded)
    return derive(loaded.estate, Catalog.load(), Market.load(), runs(loaded.estate, placement), copies(placement))
