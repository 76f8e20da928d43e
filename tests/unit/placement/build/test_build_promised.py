"""An availability that a pattern can not hold is told with the pattern that can."""

from collections.abc import Callable

import pytest

from polycloud.catalog.market import Market
from polycloud.catalog.market_rows import Offer
from polycloud.placement.availability import machines_up
from polycloud.placement.build import Built
from polycloud.placement.solve import solve, solve_levels

Make = Callable[..., Built]
PROMISE = "slos: {up: {measure: availability, target: TARGET %}}\n"
API = "workloads: {api: {kind: application, needs: {vcpu: 8}MORE}}\n"
TWO, FOUR = ", scale: {min: 2, max: 2}", ", scale: {min: 4, max: 4}"


def told(make: Make, target: str, more: str = "", rest: str = "") -> list[tuple[str, str]]:
    built = make(PROMISE.replace("TARGET", target) + rest + API.replace("MORE", more))
    return [(found.message, found.fix) for found in built.diagnostics if found.code == "availability_short"]


def test_one_machine_is_promised_less_than_two(make: Make) -> None:
    assert told(make, "99.5") == []
    ((message, fix),) = told(make, "99.95")
    assert message == "api is expected to be up 99.9 % as it is spread, and slos.up promises 99.95 %"
    assert fix == "write scale: {min: 2}, of which 99.99 % is expected"
    assert told(make, "99.99", TWO) == []


def test_clouds_promise_one_machine_differently(make: Make) -> None:
    problem = make(PROMISE.replace("TARGET", "99.8") + API.replace("MORE", "")).problem
    sites = {problem.sites[option.site] for option in problem.tasks[0].options}
    assert {place.cloud for place in sites} == {"gcp"}
    refused = {row.what for row in problem.left_out if "slos.up promises 99.8 %" in row.why}
    assert refused and all(what.startswith("aws/") for what in refused)  # whole sites


@pytest.mark.parametrize(
    ("site", "one", "two"),
    [
        ("aws/us-east-1", "99.5", "99.99"),
        ("azure/westeurope", "99.9", "99.99"),
        ("gcp/europe-west1", "99.9", "99.99"),
        ("gcp/europe-north2", "99.9", "99.95"),
        ("gcp/northamerica-south1", "99.9", "99.95"),
        ("oci/eu-frankfurt-1", "99.5", "99.99"),
    ],
)
def test_each_cloud_promises_what_its_own_contract_says(site: str, one: str, two: str) -> None:
    assert [f"{machines_up(site, alone) * 100:.4g}" for alone in (True, False)] == [one, two]


def test_two_deployments_of_a_model_are_as_good_as_their_clouds(make: Make) -> None:
    def up(*sites: str) -> str:
        places = ", ".join(f"{{at: {site}, model: claude-sonnet-4-6}}" for site in sites)
        model = f"models: {{m: {{deployments: [{places}]}}}}\n"
        ((message, _),) = told(make, "99.9999", TWO + ", uses: [m]", model)
        return message.split(" as it is spread")[0].split()[-2]

    assert up("aws/us-east-1") == "99.89001"
    assert up("gcp/europe-west1") == "99.49005"  # 0.9999 x 0.995
    # down as sqrt(1e-3 x 5e-3) = 2.236e-3 each: 0.02 x 2.236e-3 + (0.98 x 2.236e-3)^2 = 4.95e-5, and the machines' 1e-4
    assert up("aws/us-east-1", "gcp/europe-west1") == "99.98505"


def test_the_pattern_that_holds_it_is_named_the_cheapest_first(make: Make) -> None:
    # a standby: 1e-4 x (0.1 + 0.9 (0.15 + 0.85 x 0.9 x 1e-4)) = 2.35e-5 down in two regions, 1.67e-5 in two clouds;
    # both active: 1e-4 x 0.1 + (0.9e-4)^2 = 1.0008e-5 in two regions, 2.0096e-6 in two clouds.
    ((_, standby),) = told(make, "99.997", TWO)
    assert standby == "write pattern: active-passive, of which 99.99765 % is expected"
    ((_, active),) = told(make, "99.9985", TWO)
    assert active == "write pattern: active-active and scale: {min: 4}, of which 99.999 % is expected"
    ((_, clouds),) = told(make, "99.9995", FOUR + ", pattern: active-active")
    assert clouds == "write pattern: active-active with apart: cloud, of which 99.9998 % is expected"
    assert told(make, "99.9995", FOUR + ", pattern: active-active, apart: cloud") == []
    ((_, more),) = told(make, "99.9985", TWO + ", pattern: active-active")
    assert more == "write scale: {min: 4}, of which 99.999 % is expected"
    ((_, none),) = told(make, "99.9999", TWO)
    assert none == "no pattern can hold it by what clouds promise: lower the target"


def test_a_model_that_it_calls_counts_by_its_deployments(make: Make) -> None:
    one = "models: {m: {deployments: [{at: aws/us-east-1, model: claude-sonnet-4-6}]}}\n"
    two = one.replace("}]", "}, {at: gcp/europe-west1, model: claude-sonnet-4-6}]")
    more = TWO + ", uses: [m]"
    assert told(make, "99.8", more, one) == []
    ((message, fix),) = told(make, "99.95", more, one)
    assert "expected to be up 99.89001 %" in message  # 0.9999 x 0.999
    assert fix.startswith("no pattern can: the models it uses are expected to be up 99.9 %")
    assert told(make, "99.95", more, two) == []


@pytest.mark.parametrize(
    "more",
    [", environment: development", ", at: [aws/us-east-1], interruptible: false"],
    ids=["not for production", "promised elsewhere"],
)
def test_what_nobody_promised_is_not_judged(make: Make, more: str) -> None:
    text = PROMISE.replace("TARGET", "99.99").replace("target", "at: [gcp/*], target") + API.replace("MORE", more)
    assert not [found for found in make(text).diagnostics if found.code == "availability_short"]


def test_halls_have_no_published_promise(make: Make, offer: Callable[..., Offer], small: Callable[..., object]) -> None:
    hall = "onprem: {berlin: {country: DE, vcpus: 64, cost_per_vcpu_hour: 0.05 USD}}\n"
    text = PROMISE.replace("TARGET", "99.99") + hall + API.replace("MORE", ", at: [onprem/*]")
    assert not [found for found in make(text, small(())).diagnostics if found.code == "availability_short"]


# -- what it decides -------------------------------------------------------------------------------------------------

PAIR = ", scale: {min: 2, max: 2}, at: [aws/us-east-1]"


def chosen(built: Built) -> tuple[str, str, str, int]:
    """Site, machine, market and count of the one task in the cheapest plan."""
    solved = solve(built.problem)
    assert solved.solution is not None
    option = built.problem.tasks[0].options[solved.solution.choice[0]]
    return built.problem.sites[option.site].id, option.machine, option.market, option.count


def refusals(built: Built) -> list[tuple[str, str]]:
    return [(row.what, row.why) for row in built.problem.left_out if "slos.up" in row.why]


def test_a_machine_that_all_of_it_would_be_on_is_refused(
    make: Make, offer: Callable[..., Offer], small: Callable[..., Market]
) -> None:
    # Two instances fit on one large machine, which is promised 99.5 %; on a small one each they are in two zones.
    market = small((offer("aws/us-east-1", "large", 1_000_000, 16.0), offer("aws/us-east-1", "small", 600_000)))
    text = API.replace("MORE", PAIR)
    assert chosen(make(text, market)) == ("aws/us-east-1", "large", "on-demand", 1)
    held = make(PROMISE.replace("TARGET", "99.95") + text, market)
    assert chosen(held) == ("aws/us-east-1", "small", "on-demand", 2)
    assert not [found for found in held.diagnostics if found.code == "availability_short"]
    ((what, why),) = refusals(held)
    assert what == "aws/us-east-1: large"
    assert why.startswith("expected to be up 99.5 %, and slos.up promises 99.95 % (")
    assert "estate.yaml:6:" in why  # where the promise stands


def test_spot_machines_are_refused_where_others_hold_it(
    make: Make, offer: Callable[..., Offer], small: Callable[..., Market]
) -> None:
    market = small((offer("aws/us-east-1", "m", 1_000_000, spot=300_000),))
    text = API.replace("MORE", PAIR + ", interruptible: true")
    # 19 of 20 reclaimed a month, and 5 minutes for each restart: 99.965 % of the time, and 0.9999 of that
    assert chosen(make(PROMISE.replace("TARGET", "99.95") + text, market))[2] == "spot"
    strict = make(PROMISE.replace("TARGET", "99.99") + text, market)
    assert chosen(strict)[2] == "on-demand"
    assert [what for what, _ in refusals(strict)] == ["aws/us-east-1: m on spot"]


def test_a_site_is_refused_where_too_few_models_answer_in_time(
    make: Make, offer: Callable[..., Offer], small: Callable[..., Market]
) -> None:
    places = ("aws/us-east-1", "aws/eu-west-1", "gcp/europe-west1")
    deployed = ", ".join(f"{{at: {place}, model: claude-sonnet-4-6}}" for place in places)
    models = f"models: {{m: {{deployments: [{deployed}]}}}}\n"
    rtts = {("aws/us-east-1", "aws/eu-west-1"): 70.0, ("aws/us-east-1", "gcp/europe-west1"): 90.0}
    rtts |= {("aws/eu-west-1", "gcp/europe-west1"): 15.0}
    market = small((offer("aws/us-east-1", "m", 1_000_000), offer("aws/eu-west-1", "m", 2_000_000)), rtts)
    text = models + API.replace("MORE", TWO + ", uses: [m], latency: 30ms")
    assert chosen(make(text, market))[0] == "aws/us-east-1"
    held = make(PROMISE.replace("TARGET", "99.95") + text, market)
    assert chosen(held)[0] == "aws/eu-west-1"
    ((what, why),) = refusals(held)
    assert what == "aws/us-east-1" and why.startswith("expected to be up 99.89001 %")


@pytest.mark.parametrize("target", ["99.999", "99.5"], ids=["none can", "all do"])
def test_nothing_is_refused_where_none_or_all_hold_it(
    make: Make, offer: Callable[..., Offer], small: Callable[..., Market], target: str
) -> None:
    market = small((offer("aws/us-east-1", "large", 1_000_000, 16.0), offer("aws/us-east-1", "small", 600_000)))
    text = API.replace("MORE", PAIR)
    held = make(PROMISE.replace("TARGET", target) + text, market)
    assert chosen(held) == chosen(make(text, market))
    assert refusals(held) == []
    short = [found for found in held.diagnostics if found.code == "availability_short"]
    assert len(short) == (target == "99.999")


def test_parts_that_must_be_apart_are_not_left_without_a_place(
    make: Make, offer: Callable[..., Offer], small: Callable[..., Market]
) -> None:
    # Each part has two instances. Only at one site are they on two machines, and the parts need two sites.
    market = small((offer("aws/us-east-1", "large", 1_000_000, 16.0), offer("aws/eu-west-1", "small", 600_000)))
    more = ", scale: {min: 4, max: 4}, pattern: active-active"
    held = make(PROMISE.replace("TARGET", "99.99") + API.replace("MORE", more), market)
    assert refusals(held) == []
    assert solve(held.problem).solution is not None
    (found,) = [found for found in held.diagnostics if found.code == "availability_short"]
    assert found.message == "api would hold what slos promises of it at fewer sites than it has parts"


def test_the_expected_downtime_of_each_way_is_an_aim(
    make: Make, offer: Callable[..., Offer], small: Callable[..., Market]
) -> None:
    market = small((offer("aws/us-east-1", "large", 1_000_000, 16.0), offer("aws/eu-west-1", "small", 505_000)))
    problem = make(API.replace("MORE", TWO), market).problem
    down = {option.machine: option.down_ms for option in problem.tasks[0].options}
    assert down == {"large": 13_140_000, "small": 262_800}  # of 730 hours 0.5 %, and a hundredth of a per cent
    solved = solve_levels(problem, ("cost", "availability"))
    assert [reached.has for reached in solved.levels] == [pytest.approx(2 * 0.505 * 730 * 1e6), pytest.approx(4.38)]
    assert solve_levels(problem, ("cost",)).levels[0].has == pytest.approx(730 * 1e6)
