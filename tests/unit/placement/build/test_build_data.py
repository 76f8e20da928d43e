"""Datasets as items: volumes, ages, copies, sites by law, and what a copy costs, by hand."""

from collections.abc import Callable
from fractions import Fraction

import pytest

from polycloud.catalog.market_rows import Offer, Step, StoragePrice
from polycloud.estate.schema.work import Dataset
from polycloud.placement.build import Built, Changes
from polycloud.placement.build.data import ages, marginal
from polycloud.placement.problem import Item

Make = Callable[..., Built]
US, DE, IE, BE, IOWA = "aws/us-east-1", "aws/eu-central-1", "aws/eu-west-1", "gcp/europe-west1", "gcp/us-central1"
GB, TB = 10**9, 10**12
LAW = """
data_classes:
  eu-only: {stay_in: [eu]}
  fixed: {stay_in: [eu], replicate: never}
  spread: {stay_in: [eu], replicate: anywhere}
"""


def item(built: Built, name: str = "d") -> Item:
    return next(row for row in built.problem.items if row.name == name)


def held(built: Built, name: str = "d") -> dict[str, int]:
    return {built.problem.sites[site].id: cost for site, cost in item(built, name).hold}


def names(built: Built, sites: tuple[int, ...]) -> set[str]:
    return {built.problem.sites[site].id for site in sites}


def dataset(**values: object) -> Dataset:
    return Dataset.model_validate(values)


def test_the_size_is_that_of_the_middle_of_the_horizon() -> None:
    grown = dataset(size="10 TB", grows={"size": "1 TB", "per": "month"})
    assert ages(grown, Fraction(12)) == (16 * TB, 0, 0, 0)
    assert ages(dataset(size="10 TB"), Fraction(12)) == (10 * TB, 0, 0, 0)


def test_the_youngest_are_hot_and_the_rest_has_aged() -> None:
    cycle = {"warm_after": "1 month", "cold_after": "3 month", "archive_after": "12 month"}
    grown = dataset(size="34 TB", grows={"size": "1 TB", "per": "month"}, lifecycle=cycle)
    assert ages(grown, Fraction(12)) == (1 * TB, 2 * TB, 9 * TB, 28 * TB)


def test_what_does_not_grow_is_all_of_the_coldest_age() -> None:
    assert ages(dataset(size="5 TB", lifecycle={"warm_after": "30d"}), Fraction(12)) == (0, 5 * TB, 0, 0)


def test_a_step_that_is_left_out_is_skipped() -> None:
    grown = dataset(size="34 TB", grows={"size": "1 TB", "per": "month"}, lifecycle={"cold_after": "3 month"})
    assert ages(grown, Fraction(12)) == (3 * TB, 0, 37 * TB, 0)


def test_what_is_deleted_is_not_kept() -> None:
    grown = dataset(size="10 TB", grows={"size": "1 TB", "per": "month"}, lifecycle={"delete_after": "6 month"})
    assert ages(grown, Fraction(12)) == (6 * TB, 0, 0, 0)


def test_growth_is_by_month_whatever_it_is_written_in() -> None:
    yearly = dataset(size="1 TB", grows={"size": "12 TB", "per": "year"})
    assert ages(yearly, Fraction(2))[0] == pytest.approx(2 * TB, rel=1e-9)


def test_steps_are_marginal() -> None:
    steps = ((0, 20_000), (50_000, 10_000))
    assert marginal(steps, 40_000 * GB) == 40_000 * 20_000
    assert marginal(steps, 60_000 * GB) == 50_000 * 20_000 + 10_000 * 10_000
    assert marginal(steps, 0) == 0


def test_a_copy_costs_its_bytes_its_requests_and_what_is_fetched(make: Make, small: Callable[..., object]) -> None:
    hot = [StoragePrice(site, "hot", "h", (Step(0, 20_000),), put_per_1000=5_000, quality="list") for site in (US, DE)]
    warm = StoragePrice(US, "warm", "w", (Step(0, 10_000),), retrieval_per_gb=10_000, get_per_1000=1_000)
    market = small((), storage=(*hot, warm))
    text = f"""
datasets: {{d: {{at: {US}, size: 6 TB, grows: {{size: 1 TB, per: month}}, lifecycle: {{warm_after: 1 month}}}}}}
money: {{spread_moves_over: 12 month, discounts: {{aws: 50 %}}}}
"""
    built = make(text, market)
    # The middle of the year: 12 TB, of which 1 is hot and 11 are warm. New: 1 TB in 125,000 parts of 8 MB.
    writes = 125_000 * 5_000 // 1000
    assert held(built)[US] == (1_000 * 20_000 + writes) // 2 + 11_000 * 10_000  # own rows are not discounted
    assert held(built)[DE] == (12_000 * 20_000 + writes) // 2  # no warm price: hot is paid
    assert set(held(built)) == {US, DE}
    assert any(IOWA in row.what and "no storage price" in row.why for row in built.problem.left_out)


def test_reading_is_paid_by_an_equal_share_of_the_copies(make: Make, small: Callable[..., object]) -> None:
    def market(price: int) -> object:
        row = StoragePrice(US, "hot", "h", (Step(0, 0),), get_per_1000=price, quality="list")
        other = StoragePrice(DE, "hot", "h", (Step(0, 0),), quality="list")
        return small((Offer(US, "m", 8, 32, "", None, 1, None, None, None),), storage=(row, other))

    text = """
datasets: {d: {size: 8 TB, replicas: 2}}
workloads: {w: {kind: data, needs: {vcpu: 8}, reads: [d], read_per_month: {d: 16 TB}}}
"""
    assert held(make(text, market(400)))[US] == 1_000_000 * 400 // 1000  # 2 million parts of 8 MB, half from here


def test_where_data_may_be_is_by_their_class(make: Make) -> None:
    text = LAW + "datasets: {d: {class: eu-only, size: 1 TB}}"
    assert set(held(make(text))) == {DE, IE, BE}
    assert make(text).classes["d"] == ("eu-only",)


def test_what_is_never_replicated_has_one_copy_at_most(make: Make) -> None:
    text = LAW + "datasets: {d: {class: fixed, size: 1 TB, replicas: 2}}"
    assert (item(make(text)).copies, item(make(text)).copies_most) == (1, 1)


def test_copies_anywhere_still_leave_one_inside(make: Make) -> None:
    there = make(LAW + f"datasets: {{d: {{class: spread, at: {DE}, size: 1 TB, replicas: 2}}}}")
    assert set(held(there)) == {US, DE, IE, BE, IOWA}
    assert names(there, item(there).pinned) == {DE}
    nowhere = make(LAW + "datasets: {d: {class: spread, size: 1 TB, replicas: 2}}")
    assert set(held(nowhere)) == {DE, IE, BE}


def test_copies_go_where_replicate_to_says(make: Make) -> None:
    built = make(f"datasets: {{d: {{at: {US}, size: 1 TB, replicate_to: [{DE}]}}}}")
    assert set(held(built)) == {US, DE}
    assert item(built).copies == 2
    assert names(built, item(built).pinned) == {DE}
    pattern = make(f"datasets: {{d: {{at: {US}, size: 1 TB, replicas: 2, replicate_to: ['gcp/*']}}}}")
    assert set(held(pattern)) == {US, BE, IOWA}
    assert item(pattern).pinned == ()


def test_a_store_and_the_word_pinned_hold_the_first_copy(make: Make) -> None:
    pinned = make(f"datasets: {{d: {{at: {US}, size: 1 TB, pinned: true}}}}")
    assert names(pinned, item(pinned).pinned) == {US}
    assert item(make(f"datasets: {{d: {{at: {US}, size: 1 TB}}}}")).pinned == ()
    stored = make(f"stores: {{s: {{at: {DE}}}}}\ndatasets: {{d: {{store: s, size: 1 TB}}}}")
    assert names(stored, item(stored).pinned) == {DE}
    assert stored.problem.sites[item(stored).origin].id == DE


def test_a_move_is_spread_and_new_data_flow_every_month(make: Make) -> None:
    text = f"datasets: {{d: {{at: {US}, size: 24 TB, grows: {{size: 1 TB, per: month}}}}}}"
    assert (item(make(text)).feed, item(make(text)).move) == (TB, 2 * TB)
    slow = make(text + "\nmoney: {spread_moves_over: 24 month}")
    assert item(slow).move == TB
    assert slow.months == 24
    assert item(make("datasets: {d: {size: 24 TB, grows: {size: 1 TB, per: month}}}")).feed == 0  # from nowhere


def test_a_copy_that_is_there_already_is_not_filled_again(make: Make) -> None:
    text = f"datasets: {{d: {{at: {US}, size: 24 TB, grows: {{size: 1 TB, per: month}}, copies_at: [{DE}]}}}}"
    built = make(text)
    found, index = item(built), {site.id: at for at, site in enumerate(built.problem.sites)}
    assert names(built, found.filled) == {DE}
    assert (found.moving(index[DE]), found.moving(index[IE])) == (0, 2 * TB)


def test_growth_that_work_writes_does_not_come_from_the_origin_too(make: Make) -> None:
    data = f"datasets: {{d: {{at: {US}, size: 24 TB, grows: {{size: 3 TB, per: month}}}}}}\n"
    work = "kind: data, needs: {vcpu: 8}, writes: [d]"
    silent = make(data + f"workloads: {{v: {{{work}}}, w: {{{work}}}}}")
    assert item(silent).feed == 0
    assert [task.flows[0].volume for task in silent.problem.tasks] == [1_500 * GB, 1_500 * GB]
    stated = make(data + f"workloads: {{w: {{{work}, written_per_month: {{d: 1 TB}}}}}}")
    assert item(stated).feed == 2 * TB
    assert stated.problem.tasks[0].flows[0].volume == TB
    mixed = make(data + f"workloads: {{v: {{{work}}}, w: {{{work}, written_per_month: {{d: 1 TB}}}}}}")
    assert [task.flows[0].volume for task in mixed.problem.tasks] == [2 * TB, TB]
    assert item(mixed).feed == 0


def test_what_is_read_is_the_size_once_or_what_is_said(make: Make) -> None:
    data = "datasets: {d: {size: 24 TB}}\n"
    work = "kind: data, needs: {vcpu: 8}, reads: [d]"
    assert make(data + f"workloads: {{w: {{{work}}}}}").problem.tasks[0].flows[0].volume == 24 * TB
    said = make(data + f"workloads: {{w: {{{work}, read_per_month: {{d: 2 TB}}}}}}")
    assert said.problem.tasks[0].flows[0].volume == 2 * TB


def test_no_size_is_said_and_costs_nothing(make: Make) -> None:
    built = make("datasets: {d: {}}")
    assert set(held(built).values()) == {0}
    assert any("no size is stated" in row.why for row in built.problem.left_out)


def test_a_hall_keeps_what_fits_at_its_own_cost(make: Make) -> None:
    hall = "onprem: {hall: {country: DE, storage: 10 TB, cost_per_gb_month: 0.01 USD}}\n"
    assert held(make(hall + "datasets: {d: {size: 8 TB}}"))["onprem/hall"] == 8_000 * 10_000
    large = make(hall + "datasets: {d: {size: 12 TB}}")
    assert "onprem/hall" not in held(large)
    assert any("larger than the storage there" in row.why for row in large.problem.left_out)
    unknown = make(hall.replace(", cost_per_gb_month: 0.01 USD", "") + "datasets: {d: {size: 8 TB}}")
    assert "onprem/hall" not in held(unknown)


def test_lanes_are_inside_the_residency_only(make: Make) -> None:
    built = make(LAW + f"datasets: {{d: {{class: eu-only, size: 1 TB}}, e: {{class: spread, at: {DE}, size: 1 TB}}}}")
    index = {site.id: at for at, site in enumerate(built.problem.sites)}
    inside, anywhere = (built.problem.zones[item(built, name).zone].lanes for name in ("d", "e"))
    assert inside[index[DE]][index[US]] is None
    assert inside[index[DE]][index[BE]] is not None
    assert anywhere[index[DE]][index[US]] is not None


@pytest.mark.parametrize(
    ("rpo", "growth", "codes"),
    [("15m", "1 TB", []), ("1ms", "1 TB", ["rpo_short"]), ("15m", "900 PB", ["rpo_short"])],
)
def test_copies_that_can_not_be_fresh_enough_are_told(make: Make, rpo: str, growth: str, codes: list[str]) -> None:
    text = f"""
datasets:
  d: {{at: {US}, size: 1 TB, grows: {{size: {growth}, per: month}}, replicas: 2, rpo: {rpo}, replicate_to: [{DE}]}}
"""
    assert [found.code for found in make(text).diagnostics] == codes


def test_an_estate_without_work_or_data_is_an_empty_problem(make: Make) -> None:
    problem = make("").problem
    assert (problem.tasks, problem.items, problem.zones, problem.blocks) == ((), (), (), (730,))
    assert make("workloads: {w: {kind: application}}").problem.tasks == ()
    assert [found.code for found in make("workloads: {w: {kind: application}}").diagnostics] == ["needs_missing"]


# -- what if -------------------------------------------------------------------------------------------------


def test_without_a_site_its_data_are_placed_anew(make: Make) -> None:
    text = f"datasets: {{d: {{at: {US}, size: 24 TB, pinned: true}}}}"
    built = make(text, None, Changes(without=("aws/us-*",)))
    assert US not in [site.id for site in built.problem.sites]
    assert (item(built).origin, item(built).move, item(built).pinned) == (-1, 0, ())
    assert any(US in row.what and "placed anew" in row.why for row in built.problem.left_out)


def test_without_a_site_a_copy_that_is_elsewhere_already_takes_its_place(make: Make) -> None:
    text = f"datasets: {{d: {{at: {US}, size: 24 TB, copies_at: [{DE}]}}}}"
    built = make(text, None, Changes(without=("aws/us-*",)))
    assert built.problem.sites[item(built).origin].id == DE
    assert item(built).move == 2 * TB


def test_without_a_cloud_and_with_another_site(make: Make) -> None:
    built = make("datasets: {d: {size: 1 TB}}", None, Changes(without=("gcp",), add=("aws/eu-north-1",)))
    assert [site.id for site in built.problem.sites] == [US, DE, IE, "aws/eu-north-1"]


def test_without_a_workload_nothing_calls_it(make: Make) -> None:
    text = """
slos: {near: {measure: cross-cloud-latency, target: 95 %, within: 50ms}}
workloads:
  a: {kind: application, needs: {vcpu: 8}, calls: [b]}
  b: {kind: application, needs: {vcpu: 8}}
"""
    built = make(text, None, Changes(without=("b",)))
    assert [task.name for task in built.problem.tasks] == ["a"]
    assert built.problem.near == ()


THIN = """
links:
  l: {between: [aws/us-east-1, gcp/europe-west1], via: interconnect, bandwidth: 1 Mbps, cost_per_gb: 0.01 USD}
datasets:
  big: {size: 500 TB, at: aws/us-east-1, pinned: true}
  little: {size: 100 GB, at: aws/us-east-1, pinned: true}
workloads:
  w: {kind: batch, needs: {vcpu: 8}, at: [gcp/europe-west1], reads: [big, little]}
"""


def test_a_link_too_thin_for_a_flow_is_no_way_for_it(make: Make) -> None:
    """1 Mbps carries 1e6 / 8 x 730 x 3,600 bytes a month: 328.5 GB. The internet carries what is more."""
    built = make(THIN)
    us, eu = (
        next(n for n, s in enumerate(built.problem.sites) if s.id == x) for x in ("aws/us-east-1", "gcp/europe-west1")
    )
    ways = {one.name: built.problem.zones[one.zone].lanes[us][eu] for one in built.problem.items}
    assert ways["big"] is not None and ways["big"].via == ()
    assert ways["little"] is not None and ways["little"].via == ("link l",)
    (meter,) = (m for m in built.problem.meters if m.name == "link l out of aws/us-east-1")
    assert meter.capacity == 328_500_000_000
    assert built.paths[meter.name] == ("links", "l", "bandwidth")
