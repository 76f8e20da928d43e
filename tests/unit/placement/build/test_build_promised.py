"""An availability that a pattern can not hold is told with the pattern that can."""

from collections.abc import Callable

import pytest

from polycloud.catalog.market_rows import Offer
from polycloud.placement.build import Built

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
    assert message == "api is expected to be up 99.5 % as it is spread, and slos.up promises 99.95 %"
    assert fix == "write scale: {min: 2}, of which 99.99 % is expected"
    assert told(make, "99.99", TWO) == []


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
