"""How available each pattern can be, from published promises, with what fails together said and priced in.

A service needs compute and a model API at once. Figures are the vendors' promises, which are no forecast: a promise
broken is a credit on the next bill. Copies do not fail independently; the shares that do fail together (``beta``, as
in the beta-factor model of reliability engineering) are assumptions with a range, since no vendor publishes them.
"""

import msgspec

# Region-level promise for machines in two zones: 99.99 % (AWS Compute SLA, aws.amazon.com/compute/sla/historical,
# version of 2022-05-05, read 2026-11); Google Cloud states 99.99 % as the design target of a multi-zone deployment
# (docs.cloud.google.com/architecture/infra-reliability-guide, read 2026-11).
COMPUTE = 0.9999
# 99.9 % a month for each region (Amazon Bedrock SLA of 2023-10-04, aws.amazon.com/bedrock/sla, read 2026-11); Azure
# OpenAI and Vertex AI promise as much or less in third-party comparisons of 2026, which are not the contract.
MODEL_API = 0.999
# A loss in one region that takes the other with it. On 2025-10-20 one fault in us-east-1 reached services of other
# regions that depend on it, for hours; two clouds still share the software, the operators and the way to the callers.
BETA_REGIONS = (0.02, 0.10, 0.30)
BETA_CLOUDS = (0.005, 0.02, 0.05)
BETA_HALL = (0.005, 0.02, 0.05)
SWITCH = (0.05, 0.15, 0.5)  # the share of an outage of the primary that passes before the standby carries on
MINUTES = 365.25 * 24 * 60


class Range(msgspec.Struct, frozen=True):
    """A figure with what it may be at worst and at best."""

    worst: float
    expected: float
    best: float


def one_region() -> float:
    """Compute and the model API, one after the other."""
    return COMPUTE * MODEL_API


def doubled(single: float, beta: float) -> float:
    """Two copies of which a share ``beta`` of failures takes both; the rest fail independently."""
    down = 1 - single
    return 1 - (beta * down + ((1 - beta) * down) ** 2)


def standby(single: float, beta: float, switch: float) -> float:
    """A primary with a standby: what takes both, and the time until the switch for what takes one."""
    down = 1 - single
    return 1 - (beta * down + (1 - beta) * down * (switch + (1 - switch) * (1 - beta) * down))


def availability(pattern: str) -> Range:
    """Of a pattern as it is costed here: a single cloud, a specialised and a hybrid one use two regions of a cloud."""
    single = one_region()
    if pattern == "active-active":
        return Range(*(doubled(single, beta) for beta in reversed(BETA_CLOUDS)))
    if pattern == "failover":
        pairs = zip(reversed(BETA_CLOUDS), reversed(SWITCH), strict=True)
        return Range(*(standby(single, beta, switch) for beta, switch in pairs))
    two = Range(*(doubled(single, beta) for beta in reversed(BETA_REGIONS)))
    if pattern == "specialised":  # a task that needs parts in both clouds needs both to be up
        return Range(two.worst**2, two.expected**2, two.best**2)
    return two


def minutes_a_year(share: float) -> float:
    """Minutes a year that a share of availability leaves."""
    return (1 - share) * MINUTES
