"""Patterns as parts, users by nearness, what must be near what: names, counts and sites worked out by hand."""

from collections.abc import Callable

import pytest

from polycloud.catalog.market_rows import Offer
from polycloud.placement.build import Built, Changes
from polycloud.placement.problem import Task

Make = Callable[..., Built]
US, DE, IE, BE, IOWA = "aws/us-east-1", "aws/eu-central-1", "aws/eu-west-1", "gcp/europe-west1", "gcp/us-central1"
HALL = """
onprem:
  hall:
    country: DE
    accelerators: {H100: 16}
    cost_per_hour: 1 USD
    cost_per_gb_month: 0.01 USD
"""
SHARES = f"{{{US}: 50 %, {DE}: 20 %, {IOWA}: 30 %}}"
STAIRS = ", ".join(["25 %"] * 6 + ["50 %"] * 6 + ["75 %"] * 6 + ["100 %"] * 6)


def tasks(built: Built) -> dict[str, Task]:
    return {task.name: task for task in built.problem.tasks}


def sites(built: Built, task: str) -> set[str]:
    return {built.problem.sites[option.site].id for option in tasks(built)[task].options}


def counts(built: Built, task: str) -> set[int]:
    return {option.count for option in tasks(built)[task].options}


@pytest.fixture
def gpus(offer: Callable[..., Offer], small: Callable[..., object]) -> object:
    return small((offer(DE, "p5", 40_000_000, accelerator="H100", count=8.0),))


def test_single_is_one_task_by_its_own_name(make: Make) -> None:
    built = make("workloads: {w: {kind: application, needs: {vcpu: 8}}}")
    assert list(tasks(built)) == ["w"]
    assert tasks(built)["w"].group == -1
    assert built.paths["w"] == ("workloads", "w")


def test_active_active_shares_the_demand_equally_and_keeps_apart(make: Make) -> None:
    text = """
workloads:
  w: {kind: application, needs: {vcpu: 8}, scale: {min: 3, max: 10}, pattern: active-active, sites: 3, apart: cloud}
"""
    with pytest.raises(Exception, match="only 2 find one"):
        make(text)
    built = make(text.replace("cloud", "site"))
    assert list(tasks(built)) == ["w#1", "w#2", "w#3"]
    assert {task.group for task in tasks(built).values()} == {0}
    assert counts(built, "w#1") == {4}  # a third of 10, counted up
    assert built.paths["parts of w apart"] == ("workloads", "w", "pattern")


def test_active_active_by_shares_is_where_the_shares_say(make: Make) -> None:
    text = f"""
datasets: {{d: {{size: 1 TB, at: {US}}}}}
workloads:
  w:
    kind: application
    needs: {{vcpu: 8}}
    scale: {{max: 10}}
    reads: [d]
    pattern: active-active
    shares: {{{US}: 70 %, {IOWA}: 30 %}}
"""
    built = make(text)
    assert sites(built, "w#1") == {US}
    assert sites(built, "w#2") == {IOWA}
    assert (counts(built, "w#1"), counts(built, "w#2")) == ({7}, {3})
    assert [task.flows[0].volume for task in built.problem.tasks] == [700 * 10**9, 300 * 10**9]


def test_the_share_of_a_lost_site_goes_to_the_others(make: Make) -> None:
    text = f"""
workloads:
  w: {{kind: application, needs: {{vcpu: 8}}, scale: {{max: 10}}, pattern: active-active, shares: {SHARES}}}
"""
    built = make(text, None, Changes(without=(US,)))
    assert [(sites(built, name), counts(built, name)) for name in tasks(built)] == [({DE}, {4}), ({IOWA}, {6})]
    assert any(row.what == US and "its share goes to the others" in row.why for row in built.problem.left_out)


def test_users_go_to_the_part_that_is_near(
    make: Make, offer: Callable[..., Offer], small: Callable[..., object]
) -> None:
    rtts = {(US, "US"): 20.0, (US, "DE"): 90.0, (DE, "DE"): 5.0, (DE, "US"): 95.0, (US, DE): 90.0, ("US", "DE"): 100.0}
    market = small((offer(US, "m", 1_000_000), offer(DE, "m", 1_000_000)), rtts=rtts)
    head = "estate: small\nclouds: {aws: {sites: [us-east-1, eu-central-1]}}\n"
    text = """
workloads:
  w:
    kind: application
    needs: {vcpu: 8}
    users: {US: 60 %, DE: 40 %}
    latency: 40ms
    pattern: active-active
"""
    built = make(text, market, head=head)
    assert sites(built, "w#1") == {US}  # the larger region's part
    assert sites(built, "w#2") == {DE}
    assert [task.options[0].latency_us for task in built.problem.tasks] == [20_000, 5_000]


def test_the_standby_keeps_a_share_reads_nothing_and_stands_where_it_is_told(make: Make) -> None:
    text = f"""
datasets: {{d: {{size: 1 TB, at: {US}}}}}
workloads:
  w: {{kind: application, needs: {{vcpu: 8}}, scale: {{max: 10}}, reads: [d], pattern: active-passive, standby: 30 %}}
continuity: {{pattern: active-passive, standby: {{{US}: {IOWA}}}}}
"""
    built = make(text)
    assert list(tasks(built)) == ["w#primary", "w#standby"]
    assert (counts(built, "w#primary"), counts(built, "w#standby")) == ({10}, {3})
    assert [len(task.flows) for task in built.problem.tasks] == [1, 0]
    (near,) = built.problem.near
    index = {site.id: at for at, site in enumerate(built.problem.sites)}
    assert (near.a, near.b) == (0, 1)
    assert near.close[index[US]] == (index[IOWA],)
    assert near.close[index[DE]] == tuple(range(5))
    assert built.paths["w#primary near w#standby"] == ("continuity", "standby")


def test_a_burst_fills_the_hall_first_and_the_cloud_takes_the_rest(make: Make, gpus: object) -> None:
    text = (
        HALL
        + f"""
workloads:
  w:
    kind: inference
    needs: {{accelerator: H100, count: 4}}
    scale: {{min: 1, max: 8, demand: [{STAIRS}]}}
    pattern: burst
"""
    )
    built = make(text, gpus)
    assert list(tasks(built)) == ["w#base", "w#burst"]
    (base,) = tasks(built)["w#base"].options
    # 16 H100 carry 4 instances of 4: 2, 4, 4, 4 in the quarters of the day; the cloud 0, 0, 2, 4, two on a machine.
    assert (base.market, base.count) == ("own", 16)
    assert base.cost == (2 + 4 + 4 + 4) * 4 * 1_000_000 * 730 // 4
    (burst,) = tasks(built)["w#burst"].options
    assert (burst.market, burst.count) == ("on-demand", 2)
    assert burst.cost == (0 + 0 + 1 + 2) * 40_000_000 * 730 // 4


def test_a_burst_leaves_room_for_what_can_be_nowhere_else(make: Make, gpus: object) -> None:
    text = (
        HALL
        + """
workloads:
  w: {kind: inference, needs: {accelerator: H100, count: 4}, scale: {max: 4}, pattern: burst}
  t: {kind: training, needs: {accelerator: H100, count: 8}, hours_per_month: 100, at: [onprem/hall]}
"""
    )
    built = make(text, gpus)
    assert counts(built, "w#base") == {8}
    assert counts(built, "w#burst") == {1}  # two instances on one machine of eight


def test_two_bursts_do_not_count_on_the_same_room(make: Make, gpus: object) -> None:
    text = (
        HALL
        + """
workloads:
  v: {kind: inference, needs: {accelerator: H100, count: 4}, scale: {max: 3}, pattern: burst}
  w: {kind: inference, needs: {accelerator: H100, count: 4}, scale: {max: 3}, pattern: burst}
"""
    )
    built = make(text, gpus)
    assert counts(built, "v#base") == {12}
    assert counts(built, "w#base") == {4}
    assert "v#burst" not in tasks(built)


def test_a_burst_without_room_is_all_in_clouds_and_says_so(make: Make, gpus: object) -> None:
    text = (
        HALL.replace("cost_per_hour: 1 USD", "storage: 1 TB")
        + """
workloads: {w: {kind: inference, needs: {accelerator: H100, count: 4}, scale: {max: 3}, pattern: burst}}
"""
    )
    built = make(text, gpus)
    assert list(tasks(built)) == ["w"]
    assert sites(built, "w") == {DE}
    assert [found.code for found in built.diagnostics] == ["pattern_idle"]


def test_trained_here_and_served_there(make: Make, gpus: object) -> None:
    text = (
        HALL
        + """
datasets:
  lessons: {at: onprem/hall, size: 1 TB}
  model: {size: 100 GB}
workloads:
  t:
    kind: training
    needs: {accelerator: H100, count: 8}
    hours_per_month: 100
    reads: [lessons]
    writes: [model]
    written_per_month: {model: 100 GB}
    pattern: train-here-serve-there
  s:
    kind: inference
    needs: {accelerator: H100, count: 8}
    reads: [model]
    pattern: train-here-serve-there
"""
    )
    built = make(text, gpus)
    assert sites(built, "t") == {"onprem/hall"}
    assert sites(built, "s") == {DE}
    model = next(at for at, item in enumerate(built.problem.items) if item.name == "model")
    assert [(flow.item, flow.write) for flow in tasks(built)["t"].flows] == [(0, False), (model, True)]
    assert [(flow.item, flow.write) for flow in tasks(built)["s"].flows] == [(model, False)]


def test_calls_stay_within_the_promised_latency(
    make: Make, offer: Callable[..., Offer], small: Callable[..., object]
) -> None:
    rtts = {(US, IOWA): 30.0, (US, DE): 90.0, (DE, IOWA): 110.0}
    market = small(tuple(offer(site, "m", 1_000_000) for site in (US, DE, IOWA)), rtts=rtts)
    head = "estate: small\nclouds: {aws: {sites: [us-east-1, eu-central-1]}, gcp: {sites: [us-central1]}}\n"
    text = """
slos: {near: {measure: cross-cloud-latency, target: 95 %, within: 50ms}}
workloads:
  a: {kind: application, needs: {vcpu: 8}, calls: [b]}
  b: {kind: application, needs: {vcpu: 8}}
"""
    built = make(text, market, head=head)
    (near,) = built.problem.near
    assert near.close == ((0, 2), (1,), (0, 2))
    assert built.paths["a near b"] == ("workloads", "a", "calls", 0)
    assert make(text.replace("cross-cloud-latency", "latency"), market, head=head).problem.near == ()


def test_a_link_with_a_stated_latency_is_believed(
    make: Make, offer: Callable[..., Offer], small: Callable[..., object]
) -> None:
    market = small(tuple(offer(site, "m", 1_000_000) for site in (US, DE)), rtts={(US, DE): 90.0})
    text = f"""
slos: {{near: {{measure: cross-cloud-latency, target: 95 %, within: 50ms}}}}
links: {{cable: {{between: [{DE}, {US}], via: interconnect, cost_per_gb: 0 USD, latency: LATENCY}}}}
workloads:
  a: {{kind: application, needs: {{vcpu: 8}}, calls: [b]}}
  b: {{kind: application, needs: {{vcpu: 8}}}}
"""
    assert make(text.replace("LATENCY", "45ms"), market, head=TWO).problem.near[0].close == ((0, 1), (0, 1))
    assert make(text.replace("LATENCY", "95ms"), market, head=TWO).problem.near[0].close == ((0,), (1,))


# -- latency -------------------------------------------------------------------------------------------------


@pytest.fixture
def far(offer: Callable[..., Offer], small: Callable[..., object]) -> object:
    rtts = {(US, "US"): 20.0, (US, "DE"): 90.0, (DE, "DE"): 5.0, (DE, "US"): 95.0}
    return small((offer(US, "m", 1_000_000), offer(DE, "m", 1_000_000)), rtts=rtts)


TWO = "estate: small\nclouds: {aws: {sites: [us-east-1, eu-central-1]}}\n"


def test_latency_is_a_limit_for_every_region_of_users(make: Make, far: object) -> None:
    text = "workloads: {w: {kind: application, needs: {vcpu: 8}, users: {DE: 100 %}, latency: 50ms}}"
    built = make(text, far, head=TWO)
    assert sites(built, "w") == {DE}
    assert any("90 ms to DE are over 50ms" in row.why for row in built.problem.left_out)


def test_latency_with_a_price_is_a_penalty_by_share(make: Make, far: object) -> None:
    text = """
workloads: {w: {kind: application, needs: {vcpu: 8}, users: {DE: 75 %, US: 25 %}, latency: 50ms, late_cost: 2 USD}}
"""
    built = make(text, far, head=TWO)
    penalties = {built.problem.sites[o.site].id: o.penalty for o in tasks(built)["w"].options}
    assert penalties == {US: 75 * 2 * 40 * 10_000, DE: 25 * 2 * 45 * 10_000}  # share x 2 USD x milliseconds over
    means = {built.problem.sites[o.site].id: o.latency_us for o in tasks(built)["w"].options}
    assert means == {US: 72_500, DE: 27_500}


def test_models_must_be_near_and_lawful(make: Make, far: object) -> None:
    text = """
data_classes: {eu-only: {stay_in: [eu]}, any: {}}
residency: {default_class: any}
models: {m: {deployments: [{at: aws/us-east-1, model: claude-sonnet-4-6, profile: us}]}}
workloads: {w: {kind: application, needs: {vcpu: 8}, uses: [m], latency: 50ms, late_cost: 1 USD}}
"""
    assert sites(make(text, far, head=TWO), "w") == {US, DE}  # priced: any distance will do
    hard = text.replace(", late_cost: 1 USD", "")
    assert sites(make(hard, far, head=TWO), "w") == {US}
    european = hard.replace("uses: [m]", "uses: [m], class: eu-only").replace("latency: 50ms", "latency: 150ms")
    with pytest.raises(Exception, match="no lawful deployment of m: none is inside its classes"):
        make(european, far, head=TWO)  # near enough, but Europe's requests may not be processed there


def test_a_model_must_be_lawful_without_any_latency_too(make: Make, far: object) -> None:
    text = """
data_classes: {eu-only: {stay_in: [eu]}, any: {}}
residency: {default_class: any}
models: {m: {deployments: [{at: aws/us-east-1, model: claude-sonnet-4-6, profile: us}]}}
workloads: {w: {kind: application, needs: {vcpu: 8}, uses: [m]MORE}}
"""
    assert sites(make(text.replace("MORE", ""), far, head=TWO), "w") == {US, DE}
    for more in (", class: eu-only", ", class: eu-only, latency: 50ms, late_cost: 1 USD"):
        with pytest.raises(Exception, match="no lawful deployment of m: none is inside its classes"):
            make(text.replace("MORE", more), far, head=TWO)


def test_a_far_model_costs_what_being_late_costs(
    make: Make, offer: Callable[..., Offer], small: Callable[..., object]
) -> None:
    text = """
models: {m: {deployments: [{at: aws/us-east-1, model: claude-sonnet-4-6}]}}
workloads: {w: {kind: application, needs: {vcpu: 8}, uses: [m], latency: 50ms, late_cost: 2 USD}}
"""
    market = small((offer(US, "m", 1_000_000), offer(DE, "m", 1_000_000)), rtts={(US, DE): 90.0})
    built = make(text, market, head=TWO)
    penalties = {built.problem.sites[o.site].id: o.penalty for o in tasks(built)["w"].options}
    assert penalties == {US: 0, DE: 80_000_000}  # 40 ms over, 2 USD each


TARGETS = "traffic: {shares: {aws/us-east-1: 75 %, aws/eu-central-1: 25 %}}\n"
SPREAD = "workloads: {w: {kind: application, needs: {vcpu: 8}, scale: {min: 8, max: 8}, pattern: active-activeMORE}}"


def spread(built: Built) -> dict[str, tuple[set[str], int]]:
    return {task.name: (sites(built, task.name), task.options[0].count) for task in built.problem.tasks}


def test_target_shares_of_traffic_are_those_of_work_without_its_own(make: Make) -> None:
    assert spread(make(TARGETS + SPREAD.replace("MORE", ""))) == {"w#1": ({US}, 6), "w#2": ({DE}, 2)}
    own = ", shares: {aws/us-east-1: 50 %, gcp/us-central1: 50 %}"
    assert spread(make(TARGETS + SPREAD.replace("MORE", own))) == {"w#1": ({US}, 4), "w#2": ({"gcp/us-central1"}, 4)}


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (", sites: 3", "2 sites where it may be"),
        (", at: [aws/us-*, gcp/*]", "1 sites where it may be"),
        (", apart: cloud", "2 sites where it may be, at 1 clouds"),
        (", users: {JP: 100 %}, latency: 170ms", "would serve its users from aws/us-east-1, too far away"),
    ],
)
def test_where_the_target_can_not_be_its_parts_are_equal_and_that_is_told(
    make: Make, offer: Callable[..., Offer], small: Callable[..., object], more: str, why: str
) -> None:
    clouds = (US, DE, "aws/eu-west-1", "gcp/europe-west1", "gcp/us-central1")
    rtts = {(US, "JP"): 200.0, (DE, "JP"): 240.0, ("gcp/us-central1", "JP"): 150.0, ("gcp/europe-west1", "JP"): 160.0}
    market = small(tuple(offer(site, "m", 1_000_000) for site in clouds), rtts=rtts)
    built = make(TARGETS + SPREAD.replace("MORE", more), market)
    assert len({count for _, count in spread(built).values()}) == 1
    assert any(why in row.why for row in built.problem.left_out)


def test_estimated_round_trips_are_marked(
    make: Make, offer: Callable[..., Offer], small: Callable[..., object]
) -> None:
    market = small((offer(US, "m", 1_000_000),))
    built = make("workloads: {w: {kind: application, needs: {vcpu: 8}, users: {PT: 100 %}}}", market)
    assert "round trips are estimated from distance" in built.details[0][0].notes
