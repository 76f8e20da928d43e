"""What can be nowhere: the smallest set of statements, by line of the file."""

from collections.abc import Callable
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polycloud.catalog.market import Market
from polycloud.catalog.market_rows import Offer
from polycloud.placement.build import Built, Changes
from polycloud.placement.build.refusals import smallest

Make = Callable[..., Built]
Refused = Callable[..., str]
US, DE, IE, BE, IOWA = "aws/us-east-1", "aws/eu-central-1", "aws/eu-west-1", "gcp/europe-west1", "gcp/us-central1"
LAW = "data_classes: {eu-only: {stay_in: [eu]}, us-only: {stay_in: [us]}}\n"
PATHS = [(letter,) for letter in "abcdefg"]


@given(st.lists(st.sets(st.sampled_from(PATHS), min_size=1, max_size=4), min_size=1, max_size=8))
def test_the_set_meets_all_and_none_smaller_does(sets: list[set[tuple[str]]]) -> None:
    found = smallest(frozenset(one) for one in sets)
    assert all(one & set(found) for one in sets)
    for size in range(len(found)):
        assert not any(all(one & set(chosen) for one in sets) for chosen in combinations(PATHS, size))


def test_nothing_refuses_what_nothing_refuses() -> None:
    assert smallest([]) == ()
    assert smallest([frozenset({("a",)}), frozenset()]) == ()


def test_many_statements_still_end() -> None:
    assert len(smallest(frozenset({(str(n),)}) for n in range(9))) == 9


def test_class_and_place_contradict_and_both_lines_are_told(refused: Refused) -> None:
    text = """
workloads:
  w:
    kind: application
    needs: {vcpu: 8}
    class: eu-only
    at: [aws/us-east-1, gcp/us-*]
"""
    said = refused(LAW + text)
    assert "workload_unplaceable" in said
    assert "together these refuse every candidate" in said
    assert "data_classes.eu-only" in said and "workloads.w.at" in said
    assert "estate.yaml:6:16" in said  # the class
    assert "estate.yaml:13:5" in said  # at:
    assert "needs" not in said.split("together")[1]


def test_one_statement_that_refuses_all_is_told_alone(refused: Refused) -> None:
    said = refused("workloads: {w: {kind: inference, needs: {accelerator: H100, count: 8}}}")
    assert "this refuses every candidate" in said
    assert "workloads.w.needs.accelerator" in said
    assert said.count("estate.yaml") == 2  # the workload and the statement


def test_a_region_that_is_not_listed_but_would_do_is_named(refused: Refused) -> None:
    german = "data_classes: {de: {stay_in: [DE], clouds: [gcp]}}\n"
    said = refused(german + "workloads: {w: {kind: application, needs: {vcpu: 8}, class: de}}", Market.load())
    assert "or list gcp/europe-west10 or gcp/europe-west3 under clouds" in said
    bound = german + "workloads: {w: {kind: application, needs: {vcpu: 8}, class: de, at: ['aws/*']}}"
    assert "under clouds" not in refused(bound, Market.load())
    huge = german + "workloads: {w: {kind: application, needs: {vcpu: 8, memory: 100 TiB}, class: de}}"
    assert "under clouds" not in refused(huge, Market.load())  # no machine anywhere has so much


def test_parts_that_shares_put_somewhere_are_told_in_the_same_words(make: Make) -> None:
    shares = "shares: {aws/us-east-1: 60 %, aws/eu-central-1: 40 %}"
    left = make(
        f"workloads: {{w: {{kind: application, needs: {{vcpu: 8}}, pattern: active-active, {shares}}}}}"
    ).problem
    assert {row.why for row in left.left_out if not row.what.startswith("link")} == {
        "the shares put this part at another site"
    }


def test_data_of_two_laws_can_be_read_nowhere(refused: Refused) -> None:
    text = (
        LAW
        + """
datasets: {e: {class: eu-only, size: 1 TB}, u: {class: us-only, size: 1 TB}}
workloads: {w: {kind: data, needs: {vcpu: 8}, reads: [e, u]}}
"""
    )
    said = refused(text)
    assert "data_classes.eu-only" in said and "data_classes.us-only" in said


def test_latency_that_no_site_holds(refused: Refused) -> None:
    said = refused("workloads: {w: {kind: application, needs: {vcpu: 8}, users: {AU: 100 %}, latency: 20ms}}")
    assert "workloads.w.latency" in said
    assert "ms to AU are over 20ms" in said


def test_a_missing_price_is_a_statement_too(
    refused: Refused, offer: Callable[..., Offer], small: Callable[..., object]
) -> None:
    market = small((offer(US, "m", None), offer(DE, "m", 1_000_000)))
    text = LAW + "workloads: {w: {kind: application, needs: {vcpu: 8}, class: us-only}}"
    said = refused(text, market)
    assert "money.prices" in said
    assert "data_classes.us-only" in said
    hall = "onprem: {hall: {country: DE, accelerators: {H100: 8}}}\n"
    said = refused(hall + "workloads: {w: {kind: training, needs: {accelerator: H100}}}")
    assert "onprem.hall.cost_per_hour" in said


def test_a_quota_is_a_statement_too(
    refused: Refused, offer: Callable[..., Offer], small: Callable[..., object]
) -> None:
    market = small((offer(US, "p4", 1_000_000, accelerator="A100-40GB", count=8.0),))
    text = """
quotas: {chips: {at: aws/us-east-1, what: A100, limit: 8}}
workloads: {w: {kind: inference, needs: {accelerator: A100, count: 16}}}
"""
    said = refused(text, market)
    assert "quotas.chips" in said
    assert "16 are needed and 8 are allowed" in said


def test_data_that_can_be_kept_nowhere(refused: Refused) -> None:
    text = "data_classes: {cn: {stay_in: [DE], clouds: [gcp]}}\ndatasets: {d: {class: cn, size: 1 TB}}"
    said = refused(text)
    assert "dataset_unplaceable" in said and "data_classes.cn" in said
    many = refused(LAW + "datasets: {d: {class: us-only, size: 1 TB, replicas: 3}}")
    assert "must have 3 copies and may be at 2 site(s)" in many


def test_every_part_of_the_estate_is_told_at_once(refused: Refused) -> None:
    text = """
workloads:
  v: {kind: inference, needs: {accelerator: H100, count: 8}}
  w: {kind: application, needs: {vcpu: 9000}}
"""
    said = refused(text)
    assert "v can run nowhere" in said and "w can run nowhere" in said


def test_too_few_clouds_for_parts_that_must_be_apart(refused: Refused) -> None:
    text = (
        LAW
        + """
workloads:
  w: {kind: application, class: eu-only, needs: {vcpu: 8}, pattern: active-active, sites: 3, apart: cloud}
"""
    )
    said = refused(text)
    assert "w has 3 parts, each at a cloud of its own, and only 2 find one" in said


def test_a_report_in_another_currency_is_refused(refused: Refused) -> None:
    assert "no rate to EUR is known" in refused("money: {currency: EUR}")


@pytest.mark.parametrize("amount", ["cost_per_hour", "cost_per_vcpu_hour"])
def test_an_amount_in_another_currency_is_told_once(make: Callable[..., object], amount: str) -> None:
    hall = f"onprem: {{hall: {{country: DE, accelerators: {{H100: 8}}, vcpus: 8, {amount}: 1 EUR}}}}\n"
    built = make(hall + "workloads: {w: {kind: application, needs: {vcpu: 8}}}")
    codes = [found.code for found in built.diagnostics]  # type: ignore[attr-defined]
    assert codes == ["currency_foreign"]


def test_work_and_data_of_one_name_are_told_apart(make: Callable[..., object], refused: Refused) -> None:
    text = "datasets: {orders: {size: 1 TB}}\nworkloads: {orders: {kind: data, reads: [orders], needs: {vcpu: 8}}}"
    built = make(text)
    (task,) = built.problem.tasks  # type: ignore[attr-defined]
    assert (task.name, task.workload) == ("workload orders", "orders")
    paths = built.paths  # type: ignore[attr-defined]
    assert (paths["workload orders"], paths["orders"]) == (("workloads", "orders"), ("datasets", "orders"))
    assert "workload orders can run nowhere" in refused(text.replace("vcpu: 8", "vcpu: 9000"))


def test_without_any_site_that_is_what_is_told(refused: Refused) -> None:
    said = refused("datasets: {d: {size: 1 TB}}", changes=Changes(without=("aws", "gcp")))
    assert said.count("\n    fix:") == 1 and "no site is left where anything could be" in said


HALL = (
    "onprem: {h: {country: DE, vcpus: 8, cost_per_vcpu_hour: 0.01 USD, storage: 6 TB, cost_per_gb_month: 0.01 USD}}\n"
)


def test_what_is_pinned_where_it_can_not_be_is_not_quietly_moved(refused: Refused) -> None:
    data = "datasets: {d: {size: 7 TB, at: onprem/h, pinned: true}}"
    said = refused(HALL + data)
    assert "d must have a copy at onprem/h; this refuses" in said and "onprem.h.storage" in said
    unpriced = refused(HALL.replace(", cost_per_gb_month: 0.01 USD", "") + data.replace("7 TB", "1 TB"))
    assert "d must have a copy at onprem/h" in unpriced and "write cost_per_gb_month in onprem.h" in unpriced
    named = refused(HALL + "datasets: {d: {size: 7 TB, at: aws/us-east-1, replicate_to: [onprem/h]}}")
    assert "d must have a copy at onprem/h" in named or "d must have 2 copies and may be at 1 site" in named


def test_a_hall_must_hold_all_that_is_pinned_there(make: Callable[..., object], refused: Refused) -> None:
    data = "datasets: {d: {size: SIZE, at: onprem/h, pinned: true}, e: {size: 3 TB, at: onprem/h, pinned: true}}"
    assert "d, e must be there, 8 TB in all; it holds 6 TB" in refused(HALL + data.replace("SIZE", "5 TB"))
    make(HALL + data.replace("SIZE", "3 TB"))
