"""Slips of units and figures that can hardly be meant, told by the line; the usual beside them is not."""

from pathlib import Path

import pytest

from polycloud.catalog import Catalog
from polycloud.estate import check, load

USUAL = """
estate: slips
clouds:
  aws: {sites: [us-east-1]}
  gcp: {sites: [us-central1]}
links:
  line: {between: [aws/us-east-1, gcp/us-central1], via: interconnect, bandwidth: 10 Gbps, cost_per_gb: 0.02 USD}
datasets:
  d: {size: 40 TB}
workloads:
  w: {kind: training, needs: {accelerator: A100, count: 16}, hours_per_month: 100}
  v: {kind: application, needs: {vcpu: 8, memory: 256 GiB}}
money:
  spread_moves_over: 1y
  prices:
    - {at: aws/us-east-1, machine: m7i.large, on_demand: 0.08 USD}
"""


def told(where: Path, old: str = "", new: str = "") -> list[str]:
    path = where / "estate.yaml"
    path.write_text(USUAL.replace(old, new) if old else USUAL, encoding="utf-8")
    return [f"{d.code} {d.severity} {d.place.path}: {d.message}" for d in check(load(path), Catalog.load())]


def test_usual_figures_are_not_doubted(tmp_path: Path) -> None:
    assert told(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("spread_moves_over: 1y", "spread_moves_over: 0d", "out_of_range error money.spread_moves_over: first moves"),
        ("memory: 256 GiB", "memory: 32 TiB", "workloads.v.needs.memory: 32 TiB of memory beside 8 vCPUs: no machine"),
        ("memory: 256 GiB", "memory: 64 TiB", "workloads.v.needs.memory: 64 TiB of memory: no machine"),
        ("count: 16", "count: 100000", "workloads.w.needs.count: 100,000 accelerators in one instance"),
        ("40 TB", "10 EB", "unit_slip warning datasets.d.size: 10 EB in one dataset"),
        ("10 Gbps", "10 bps", "unit_slip warning links.line.bandwidth: a link of 10 bps"),
        ("cost_per_gb: 0.02", "cost_per_gb: 20", "unit_slip warning links.line.cost_per_gb: 20.00 USD"),
        ("0.08 USD", "10.08 USD", "money.prices[0].on_demand: 10.08 USD an hour for m7i.large; the list says 0.1008"),
        ("0.08 USD", "0.0001 USD", "unit_slip warning money.prices[0].on_demand: 0.0001 USD an hour"),
        ("0.08 USD", "0 USD", "price_zero warning money.prices[0].on_demand: 0 for m7i.large"),
    ],
)
def test_what_can_hardly_be_meant_is_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    (found,) = told(tmp_path, old, new)
    assert said in found


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        (
            "egress: [{from: 'aws/*', to: internet, per_gb: 0.05 USD, steps: [{from: 10 TB, per_gb: 0.04 USD}, "
            "{from: 50 TB, per_gb: 0.03 USD}]}]",
            [],
        ),
        (
            "egress: [{from: 'aws/*', to: internet, per_gb: 0.05 USD, steps: [{from: 50 TB, per_gb: 0.04 USD}, "
            "{from: 50000 GB, per_gb: 0.03 USD}]}]",
            ["out_of_range error money.rates.egress[0].steps[1].from: from 50000 GB: not above the step before it"],
        ),
        (
            "storage: [{at: 'aws/*', per_gb_month: 0.02 USD, steps: [{from: 500 MB, per_gb: 0.01 USD}]}]",
            ["out_of_range error money.rates.storage[0].steps[0].from: from 500 MB: under a gigabyte"],
        ),
        (
            "storage: [{at: 'aws/*', per_gb_month: 0.02 USD, steps: [{from: 1 TB, per_gb: 0.01 EUR}]}]",
            [
                "currency_foreign error money.rates.storage[0].steps[0].per_gb: 0.01 EUR in a price that begins at "
                "0.02 USD"
            ],
        ),
    ],
)
def test_steps_of_ones_own_rates_ascend_in_one_currency(tmp_path: Path, rates: str, said: list[str]) -> None:
    assert told(tmp_path, "money:\n", f"money:\n  rates: {{{rates}}}\n") == said


@pytest.mark.parametrize(
    ("old", "new", "fix"),
    [
        ("us-east-1]", "us-esat-1]", "did you mean us-east-1?"),
        ("accelerator: A100", "accelerator: 1A00", "did you mean A100?"),
        ("hours_per_month: 100", "hours_per_mnoth: 100", "did you mean hours_per_month?"),
        ("kind: training", "kind: training, usres: {DE: 1}", "did you mean users?"),
        ("count: 16", "count: 016", "write it without quotes and separators: 16"),
    ],
)
def test_letters_that_changed_places_are_put_back(tmp_path: Path, old: str, new: str, fix: str) -> None:
    path = tmp_path / "estate.yaml"
    path.write_text(USUAL.replace(old, new, 1), encoding="utf-8")
    assert fix in [d.fix for d in check(load(path), Catalog.load())]


@pytest.mark.parametrize(
    ("on", "said"),
    [
        ("modle/*", "did you mean model/*?"),
        ("dataset/e", "known: d"),
        ("workload/x*", "known: v, w"),
        ("dataset/*", ""),
        ("*", ""),
        ("workload/?", ""),
        ("*/d", ""),
    ],
)
def test_a_grant_that_reaches_nothing_is_a_slip(tmp_path: Path, on: str, said: str) -> None:
    path = tmp_path / "estate.yaml"
    path.write_text(f"{USUAL}roles: {{r: {{members: ['group:g'], can: [{{do: [read], on: ['{on}']}}]}}}}\n")
    fixes = [d.fix for d in check(load(path), Catalog.load())]
    assert fixes == ([said] if said else [])
