"""Machines for needs, what they cost on which market, and what is left out with which reason."""

from collections.abc import Callable

import msgspec
import pytest

from polycloud.catalog.market_rows import Interruption, Offer
from polycloud.estate.schema.work import Needs
from polycloud.placement.build import Built
from polycloud.placement.build.fitting import TOO_SMALL, Fit, fit
from polycloud.placement.build.machines import Machine, family
from polycloud.placement.problem import Option

Make = Callable[..., Built]
US, DE = "aws/us-east-1", "aws/eu-central-1"
HALL = """
onprem:
  hall: {country: DE, accelerators: {H100: 8}, vcpus: 64, cost_per_hour: 1.50 USD, cost_per_vcpu_hour: 0.02 USD}
"""


def options(built: Built, task: str) -> dict[tuple[str, str], list[Option]]:
    """By site and machine."""
    row = next(row for row in built.problem.tasks if row.name == task)
    found: dict[tuple[str, str], list[Option]] = {}
    for option in row.options:
        found.setdefault((built.problem.sites[option.site].id, option.machine), []).append(option)
    return found


def reasons(built: Built, word: str) -> list[str]:
    return [f"{row.what}: {row.why}" for row in built.problem.left_out if word in row.what]


def machine(
    vcpu: float | None = 8, memory: float | None = 32, accelerators: float | None = None, own: bool = False
) -> Machine:
    kind = "A100-40GB" if accelerators else ""
    return Machine(US, "m", "m", vcpu, memory, kind, accelerators, 1_000_000, own=own)


def needs(**values: object) -> Needs:
    return Needs.model_validate(values)


@pytest.mark.parametrize(
    ("need", "on", "largest", "expected"),
    [
        ({"vcpu": 8}, machine(8), 1, Fit(1, 1)),
        ({"vcpu": 3}, machine(8), 1, Fit(2, 1)),
        ({"vcpu": 9}, machine(8), 1, TOO_SMALL),
        ({"vcpu": 4, "memory": "16 GiB"}, machine(16, 32), 1, Fit(2, 1)),
        ({"vcpu": 4, "memory": "16 GiB"}, machine(4, 15.6), 1, TOO_SMALL),
        ({"accelerator": "A100", "count": 8}, machine(accelerators=8), 8, Fit(1, 1)),
        ({"accelerator": "A100", "count": 2}, machine(accelerators=8), 8, Fit(4, 1)),
        ({"accelerator": "A100", "count": 16}, machine(accelerators=8), 8, Fit(0, 2)),
        ({"accelerator": "A100", "count": 12}, machine(accelerators=8), 8, Fit(0, 2)),
        ({"accelerator": "A100", "count": 8}, machine(accelerators=1), 8, TOO_SMALL),  # a machine of 8 is there
        ({"accelerator": "A100", "count": 16}, machine(accelerators=1), 8, TOO_SMALL),  # spread over the largest only
        ({"accelerator": "A100", "count": 1}, machine(accelerators=0.5), 0.5, TOO_SMALL),  # halves make no whole
        ({"accelerator": "A100", "count": 8, "vcpu": 64}, machine(8, accelerators=8), 8, TOO_SMALL),
        ({"accelerator": "A100", "count": 4}, machine(None, None, 1, own=True), 1, Fit(0, 4)),
        ({"vcpu": 4}, machine(1, None, own=True), 1, Fit(0, 4)),
        ({"memory": "4 GiB"}, machine(memory=None), 1, "its memory is not known"),
    ],
)
def test_how_instances_and_machines_go_together(
    need: dict[str, object], on: Machine, largest: float, expected: Fit | str
) -> None:
    assert fit(needs(**need), on, largest) == expected


@pytest.mark.parametrize(("instances", "expected"), [(1, 1), (4, 1), (5, 2), (9, 3)])
def test_machines_are_counted_up(instances: int, expected: int) -> None:
    assert Fit(4, 1).machines(instances) == expected
    assert Fit(0, 3).machines(instances) == 3 * instances


@pytest.mark.parametrize(
    ("cloud", "name", "expected"),
    [
        ("aws", "m7i.2xlarge", "m7i"),
        ("gcp", "c3-standard-8", "c3"),
        ("azure", "Standard_D16s_v5", "Dsv5"),
        ("azure", "Standard_D32s_v5", "Dsv5"),
        ("azure", "Standard_NC24ads_A100_v4", "NCadsA100v4"),
        ("oci", "VM.Standard.E4.Flex$4_16", "VM.Standard.E4.Flex"),
    ],
)
def test_machines_of_one_family(cloud: str, name: str, expected: str) -> None:
    assert family(cloud, name) == expected


def test_the_cost_of_a_job_is_its_hours_times_the_price(make: Make) -> None:
    text = "workloads: {w: {kind: data, needs: {vcpu: 4, memory: 16 GiB}, scale: {max: 5}, hours_per_month: 100}}"
    (option,) = options(make(text), "w")[US, "m1.large"]
    assert option.count == 3  # two instances of 4 vCPUs and 16 GiB on each of 8 and 32
    assert option.cost == 3 * 100 * 1_000_000
    assert (
        sum(hours * rate for hours, rate in zip(make(text).problem.blocks, option.hourly, strict=False)) == 0
    )  # no pool


def test_a_served_curve_costs_what_each_hour_needs(make: Make) -> None:
    demand = ", ".join(["10 %"] * 12 + ["100 %"] * 12)
    text = (
        f"workloads: {{w: {{kind: application, needs: {{vcpu: 8}}, scale: {{min: 2, max: 10, demand: [{demand}]}}}}}}"
    )
    built = make(text)
    (option,) = options(built, "w")[US, "m1.large"]
    assert option.count == 10
    assert option.cost == (2 * 365 + 10 * 365) * 1_000_000  # 10 % of 10 is one, and two are kept at least
    assert built.problem.blocks == (365, 365)


def test_development_rests_out_of_demand_and_production_does_not(make: Make) -> None:
    demand = ", ".join(["0 %"] * 12 + ["100 %"] * 12)
    scale = f"needs: {{vcpu: 8}}, scale: {{min: 1, max: 2, demand: [{demand}]}}"
    live = f"kind: application, {scale}"
    text = f"workloads: {{dev: {{{live}, environment: development}}, live: {{{live}}}}}"
    built = make(text)
    assert options(built, "dev")[US, "m1.large"][0].cost == 2 * 365 * 1_000_000
    assert options(built, "live")[US, "m1.large"][0].cost == (2 + 1) * 365 * 1_000_000


def test_a_faster_accelerator_takes_fewer_hours_and_serves_with_fewer_machines(
    make: Make, offer: Callable[..., Offer], small: Callable[..., object]
) -> None:
    market = small(
        (
            offer(US, "p4", 8_000_000, accelerator="A100-40GB", count=8.0),
            offer(US, "p5", 16_000_000, accelerator="H100", count=8.0),
            offer(DE, "t1", 1_000_000, accelerator="T4", count=8.0),
            offer(DE, "x1", 1_000_000, accelerator="MI300X", count=8.0),
        )
    )
    text = """
workloads:
  job:
    kind: training
    needs: {accelerator: A100, count: 8}
    hours_per_month: 100
    speed: {A100: 1, H100: 2.5}
    interruptible: false
  serve: {kind: inference, needs: {accelerator: A100, count: 8}, scale: {max: 5}, speed: {A100: 1, H100: 2.5}}
"""
    built = make(text, market)
    assert options(built, "job")[US, "p5"][0].cost == 40 * 16_000_000
    assert options(built, "serve")[US, "p5"][0].count == 2
    assert (DE, "t1") not in options(built, "job")
    assert "less memory than A100" in reasons(built, "t1")[0]
    assert "not of NVIDIA" in reasons(built, "x1")[0]


def test_work_too_slow_for_a_month_is_left_out(
    make: Make, offer: Callable[..., Offer], small: Callable[..., object]
) -> None:
    market = small(
        (
            offer(US, "p4", 8_000_000, accelerator="A100-40GB", count=8.0),
            offer(US, "p5", 9_000_000, accelerator="H100", count=8.0),
        )
    )
    work = "kind: data, needs: {accelerator: H100, count: 8}, hours_per_month: 500, speed: {H100: 1, A100: 0.5}"
    text = f"workloads: {{w: {{{work}}}}}"
    built = make(text, market)
    assert list(options(built, "w")) == [(US, "p5")]
    assert "more hours than a month has" in reasons(built, "p4")[0]


def test_only_the_cheapest_stay_and_what_a_promise_could_make_cheapest(
    make: Make, offer: Callable[..., Offer], small: Callable[..., object]
) -> None:
    market = small(
        (
            offer(US, "a1.x", 1_000_000, committed_3y=900_000),  # the family a1 is Arm, by AWS's names
            offer(US, "cheap.x", 1_000_000),
            offer(US, "same.x", 1_100_000, committed_1y=1_050_000),
            offer(US, "kept.x", 1_200_000, committed_3y=600_000),
            offer(US, "m7g.x", 500_000),
        )
    )
    built = make("workloads: {w: {kind: application, needs: {vcpu: 8}}}", market)
    assert set(options(built, "w")) == {(US, "cheap.x"), (US, "kept.x")}
    assert all("Arm" in why for why in reasons(built, "m7g.x") + reasons(built, "a1.x"))
    any_processor = make("workloads: {w: {kind: application, needs: {vcpu: 8, processor: any}}}", market)
    assert (US, "m7g.x") in options(any_processor, "w")


def test_machines_that_throttle_are_for_applications_only(
    make: Make, offer: Callable[..., Offer], small: Callable[..., object]
) -> None:
    market = small((offer(US, "t3.xlarge", 100_000), offer(US, "m5.xlarge", 200_000)))
    text = "workloads: {w: {kind: KIND, needs: {vcpu: 4}}}"
    assert (US, "t3.xlarge") in options(make(text.replace("KIND", "application"), market), "w")
    batch = make(text.replace("KIND", "data"), market)
    assert list(options(batch, "w")) == [(US, "m5.xlarge")]
    assert "only part of the time" in reasons(batch, "t3.xlarge")[0]


# -- markets -------------------------------------------------------------------------------------------------


@pytest.fixture
def spotted(offer: Callable[..., Offer], small: Callable[..., object]) -> object:
    return small(
        (offer(US, "m1.large", 1_000_000, spot=400_000),), interruptions=(Interruption(US, "m1.large", 0.0, 0.05),)
    )


@pytest.mark.parametrize(
    ("kind", "more", "markets"),
    [
        ("training", "", {"on-demand", "mixed"}),
        ("batch", "", {"on-demand", "spot"}),
        ("data", "", {"on-demand"}),
        ("inference", "", {"on-demand"}),
        ("batch", ", interruptible: false", {"on-demand"}),
        ("data", ", interruptible: true", {"on-demand", "spot"}),
        ("batch", ", spot_share: 50 %", {"on-demand", "mixed"}),
        ("inference", ", spot_share: 0 %", {"on-demand"}),
    ],
)
def test_who_may_use_spot_machines(make: Make, spotted: object, kind: str, more: str, markets: set[str]) -> None:
    text = f"workloads: {{w: {{kind: {kind}, needs: {{vcpu: 8}}, hours_per_month: 100{more}}}}}"
    assert {option.market for option in options(make(text, spotted), "w")[US, "m1.large"]} == markets


def test_training_pays_80_percent_spot_stretched_and_the_rest_on_demand(make: Make, spotted: object) -> None:
    text = """
workloads:
  w:
    kind: training
    needs: {vcpu: 8}
    hours_per_month: 100
    checkpoint_every: 1h
    checkpoint_takes: 6m
    restart_takes: 12m
"""
    built = make(text, spotted)
    mixed = next(o for o in options(built, "w")[US, "m1.large"] if o.market == "mixed")
    # lambda = -ln 0.95 / 720 = 7.124e-5; 1 + 0.1/1 + lambda (0.5 + 0.2) = 1.10005
    assert mixed.cost == pytest.approx((80 * 0.4 * 1.10005 + 20) * 1e6, rel=1e-6)
    detail = next(d for d in built.details[0] if d.spot_share)
    assert detail.spot_share == 0.8
    assert detail.interval == 1.0
    assert detail.low is not None and detail.high == mixed.cost
    assert detail.low < detail.high
    assert detail.hours == pytest.approx(100 * (0.2 + 0.8 * 1.10005))


def test_a_deadline_moves_part_of_the_work_to_on_demand(make: Make, spotted: object) -> None:
    work = "kind: batch, needs: {vcpu: 8}, hours_per_month: 100, checkpoint_every: 1h, checkpoint_takes: 6m"
    loose = make(f"workloads: {{w: {{{work}, deadline: 115h}}}}", spotted)
    tight = make(f"workloads: {{w: {{{work}, deadline: 105h}}}}", spotted)
    assert max(d.spot_share for d in loose.details[0]) == 1.0
    share = max(d.spot_share for d in tight.details[0])
    assert share == pytest.approx(0.5, abs=0.01)  # 1.1 times as long, and 1.05 is allowed


def test_a_deadline_refuses_what_is_too_slow_for_one_run(
    make: Make, offer: Callable[..., Offer], small: Callable[..., object]
) -> None:
    market = small(
        tuple(
            offer(US, name, price, accelerator=chip, count=8.0)
            for name, price, chip in (("p4", 20_000_000, "A100"), ("g6", 4_000_000, "L4"))
        )
    )
    work = "kind: training, needs: {accelerator: A100, count: 8}, speed: {A100: 1.0, L4: 0.3}, spot_share: 0 %"
    free = make(f"workloads: {{w: {{{work}, hours_per_month: 200}}}}", market)
    assert {machine for _, machine in options(free, "w")} == {"g6"}  # 667 hours of 4 USD: cheaper
    # Two runs of 100 hours: on the L4 one would take 333.
    bound = make(f"workloads: {{w: {{{work}, hours_per_month: 200, deadline: 100h}}}}", market)
    assert {machine for _, machine in options(bound, "w")} == {"p4"}
    assert reasons(bound, US) == ["aws/us-east-1: g6: one run would take 333 hours, not 100h at most"]
    loose = make(f"workloads: {{w: {{{work}, hours_per_month: 200, deadline: 334h}}}}", market)
    assert {machine for _, machine in options(loose, "w")} == {"p4"}  # one run of 200 hours takes 667 there
    single = make(f"workloads: {{w: {{{work}, hours_per_month: 200, deadline: 667h}}}}", market)
    assert {machine for _, machine in options(single, "w")} == {"g6"}


def test_work_that_fills_the_month_has_no_time_for_interruptions(make: Make, spotted: object) -> None:
    text = "workloads: {w: {kind: batch, needs: {vcpu: 8}, hours_per_month: 730}}"
    assert {o.market for o in options(make(text, spotted), "w")[US, "m1.large"]} == {"on-demand"}
    always = make(text.replace(", hours_per_month: 730", ""), spotted)
    assert {o.market for o in options(always, "w")[US, "m1.large"]} == {"on-demand", "spot"}


def test_an_interruption_costs_what_serves_its_restart_only(make: Make, spotted: object) -> None:
    text = "workloads: {w: {kind: inference, needs: {vcpu: 8}, interruptible: true, restart_takes: 60m}}"
    spot = next(o for o in options(make(text, spotted), "w")[US, "m1.large"] if o.market == "spot")
    assert spot.cost == pytest.approx(730 * 400_000 * (1 + 7.124e-5), rel=1e-5)


def test_without_a_spot_price_it_is_said(make: Make) -> None:
    built = make("workloads: {w: {kind: batch, needs: {vcpu: 8}, hours_per_month: 10}}")
    assert reasons(built, "m1.large") == [f"{s.id}: m1.large: no spot price is known" for s in built.problem.sites]


# -- prices --------------------------------------------------------------------------------------------------


def test_discounts_come_off_list_prices_and_not_off_spot(make: Make, spotted: object) -> None:
    text = "workloads: {w: {kind: batch, needs: {vcpu: 8}, hours_per_month: 100}}\nmoney: {discounts: {aws: 30 %}}"
    found = {o.market: o.cost for o in options(make(text, spotted), "w")[US, "m1.large"]}
    plain = {o.market: o.cost for o in options(make(text.replace("30 %", "0 %"), spotted), "w")[US, "m1.large"]}
    assert found["on-demand"] == 70_000_000
    assert found["spot"] == plain["spot"]


def test_a_row_of_ones_own_in_the_market_is_not_discounted(
    make: Make, offer: Callable[..., Offer], small: Callable[..., object]
) -> None:
    own = msgspec.structs.replace(offer(US, "m1.large", 1_000_000), quality="own")
    text = "workloads: {w: {kind: application, needs: {vcpu: 8}}}\nmoney: {discounts: {aws: 30 %}}"
    assert options(make(text, small((own,))), "w")[US, "m1.large"][0].cost == 730 * 1_000_000


def test_prices_of_ones_own_override_add_and_are_not_discounted(make: Make) -> None:
    text = """
workloads: {w: {kind: application, needs: {vcpu: 8}}}
money:
  discounts: {aws: 50 %}
  prices:
    - {at: aws/*, machine: m1.large, on_demand: 3 USD}
    - {at: aws/us-east-1, machine: m1.large, on_demand: 0.25 USD}
    - {at: gcp/us-central1, machine: big.one, on_demand: 0.10 USD, vcpu: 16, memory: 64 GiB}
"""
    found = options(make(text), "w")
    assert found[US, "m1.large"][0].cost == 730 * 250_000  # the last that fits, as it stands
    assert found[DE, "m1.large"][0].cost == 730 * 3_000_000
    assert found["gcp/us-central1", "big.one"][0].cost == 730 * 100_000


def test_a_foreign_currency_is_left_out_and_said(
    make: Make, offer: Callable[..., Offer], small: Callable[..., object]
) -> None:
    market = small((offer(US, "m1.large", 1_000_000), offer(DE, "m1.large", 1, currency="CNY")))
    built = make("workloads: {w: {kind: application, needs: {vcpu: 8}}}", market)
    assert list(options(built, "w")) == [(US, "m1.large")]
    assert reasons(built, DE) == [f"{DE}: m1.large: its price is in CNY, no rate is known"]


def test_a_machine_without_a_price_is_left_out_and_said(
    make: Make, offer: Callable[..., Offer], small: Callable[..., object]
) -> None:
    market = small((offer(US, "m1.large", 1_000_000), offer(DE, "m1.large", None, committed_3y=5)))
    built = make("workloads: {w: {kind: application, needs: {vcpu: 8}}}", market)
    assert list(options(built, "w")) == [(US, "m1.large")]
    assert "no on-demand price is known" in reasons(built, DE)[0]


# -- halls and limits ----------------------------------------------------------------------------------------


def test_a_hall_is_counted_in_its_units_at_its_own_cost(make: Make) -> None:
    text = (
        HALL
        + """
workloads:
  gpu: {kind: training, needs: {accelerator: H100, count: 4, vcpu: 32}, hours_per_month: 100}
  cpu: {kind: application, needs: {vcpu: 4, memory: 16 GiB}, scale: {max: 3}}
"""
    )
    built = make(text)
    (gpu,) = options(built, "gpu")["onprem/hall", "H100"]
    assert (gpu.market, gpu.count, gpu.cost) == ("own", 4, 4 * 100 * 1_500_000)
    (cpu,) = options(built, "cpu")["onprem/hall", "vCPU"]
    assert (cpu.market, cpu.count, cpu.cost) == ("own", 12, 12 * 730 * 20_000)
    names = {built.problem.quotas[at].name: units for at, units in (*gpu.quotas, *cpu.quotas)}
    assert names == {"onprem/hall H100 installed": 4, "onprem/hall vCPUs installed": 12}


def test_a_hall_without_a_cost_is_unknown_not_free(make: Make) -> None:
    text = HALL.replace(", cost_per_vcpu_hour: 0.02 USD", "") + "workloads: {w: {kind: application, needs: {vcpu: 4}}}"
    built = make(text)
    assert ("onprem/hall", "vCPU") not in options(built, "w")
    assert "write cost_per_vcpu_hour in onprem.hall" in reasons(built, "onprem/hall")[0]


def test_quotas_count_accelerators_or_machines_and_leave_out_what_can_never_fit(
    make: Make, offer: Callable[..., Offer], small: Callable[..., object]
) -> None:
    market = small(
        (
            offer(US, "p4", 8_000_000, accelerator="A100-40GB", count=8.0),
            offer(DE, "p4", 8_000_000, accelerator="A100-40GB", count=8.0),
            offer("aws/eu-west-1", "p4", 8_000_000, accelerator="A100-40GB", count=8.0),
        )
    )
    text = """
quotas:
  chips: {at: aws/us-east-1, what: A100, limit: 16}
  boxes: {at: aws/eu-central-1, what: p4, limit: 1}
  words: {at: aws/us-east-1, what: "model:gpt-4o", limit: 5}
workloads: {w: {kind: inference, needs: {accelerator: A100, count: 8}, scale: {max: 2}}}
"""
    built = make(text, market)
    found = options(built, "w")
    assert found[US, "p4"][0].quotas == ((0, 16),)
    assert (DE, "p4") not in found
    assert "quota boxes: 2 are needed and 1 are allowed" in reasons(built, DE)[0]
    assert [q.name for q in built.problem.quotas] == ["quota chips", "quota boxes"]
    assert built.paths["quota chips"] == ("quotas", "chips")
    assert any(row.what == "quota words" for row in built.problem.left_out)


def test_a_cloud_that_the_team_does_not_know_costs_what_is_said(make: Make) -> None:
    text = """
teams: {core: {knows: [aws]}}
workloads: {w: {kind: application, needs: {vcpu: 8}, team: core}}
money: {complexity: {per_unfamiliar: 500 USD, per_cloud: 2000 USD}}
"""
    built = make(text)
    found = {site: rows[0].penalty for (site, _), rows in options(built, "w").items()}
    assert found[US] == 0
    assert found["gcp/us-central1"] == 500_000_000
    assert built.problem.per_cloud == 2_000_000_000


def test_emissions_are_watts_times_grid(make: Make, offer: Callable[..., Offer], small: Callable[..., object]) -> None:
    market = small((offer(US, "p4", 8_000_000, vcpu=0.0, memory_gib=0.0, accelerator="A100-40GB", count=8.0),))
    built = make(
        "workloads: {w: {kind: data, needs: {accelerator: A100, count: 8}, hours_per_month: 100}}",
        market,
    )
    grid, power, chip = market.carbon(US), market.power("aws"), market.accelerator("A100")  # type: ignore[attr-defined]
    expected = 100 * 8 * chip.watts / 1000 * power.pue * grid.grams_per_kwh
    assert options(built, "w")[US, "p4"][0].grams == pytest.approx(expected, abs=1)


def test_a_halls_memory_is_counted_with_its_processors(
    make: Make, offer: Callable[..., Offer], small: Callable[..., object]
) -> None:
    hall = "onprem: {hall: {country: DE, vcpus: 64, cost_per_vcpu_hour: 0.02 USDMORE}}\n"
    work = "workloads: {w: {kind: application, needs: {vcpu: 4, memory: WANTED}}}\n"
    market = small((offer(US, "x1", 9_000_000, memory_gib=512.0),))
    stated = make(hall.replace("MORE", ", memory: 256 GiB") + work.replace("WANTED", "32 GiB"), market)
    (own,) = options(stated, "w")["onprem/hall", "vCPU"]
    assert own.count == 8  # 4 GiB with each vCPU
    usual = make(hall.replace("MORE", "") + work.replace("WANTED", "160 GiB"), market)
    assert options(usual, "w")["onprem/hall", "vCPU"][0].count == 4
    slip = make(hall.replace("MORE", "") + work.replace("WANTED", "161 GiB"), market)
    assert ("onprem/hall", "vCPU") not in options(slip, "w")
    assert "more than 40 GiB for each vCPU: what memory the hall has is not stated" in reasons(slip, "onprem/hall")[0]


def test_work_that_is_needed_in_no_hour_is_left_out_and_told(make: Make) -> None:
    zeros = ", ".join(["0 %"] * 24)
    idle = f"idle: {{kind: application, needs: {{vcpu: 8}}, scale: {{min: 0, max: 4, demand: [{zeros}]}}}}"
    built = make(f"workloads:\n  {idle}\n  w: {{kind: application, needs: {{vcpu: 8}}}}\n")
    assert [task.name for task in built.problem.tasks] == ["w"]
    left = [row for row in built.problem.left_out if row.workload == "idle"]
    assert [row.why for row in left] == ["nothing of it is needed in any hour: it is not planned"]
