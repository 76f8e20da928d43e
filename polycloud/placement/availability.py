"""How available each pattern can be, from published promises, with what fails together said and priced in.

A service needs compute and a model API at once. Figures are the vendors' promises, which are no forecast: a promise
broken is a credit on the next bill. Copies do not fail independently; the shares that do fail together (``beta``, as
in the beta-factor model of reliability engineering) are assumptions with a range, since no vendor publishes them.
"""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

# Region-level promise for machines in two zones: 99.99 % at AWS (aws.amazon.com/compute/sla/historical, version of
# 2022-05-05, read 2026-11), Azure (azure.microsoft.com/support/legal/sla/virtual-machines, in it since version 1.8 of
# 2018-03; the figure as quoted from it on 2019-04-25 at 2azure.nl, read 2026-11) and Google Cloud
# (cloud.google.com/compute/sla, premium network tier, read 2026-11). Oracle's contract, the pillar document of its PaaS
# and IaaS services, could not be read where it says so for compute: OCI is taken to promise what AWS does.
COMPUTE = 0.9999
COMPUTE_AT: Mapping[str, float] = MappingProxyType(
    {"gcp/northamerica-south1": 0.9995, "gcp/europe-north2": 0.9995}  # Mexico and Stockholm, by the same page
)
# For one machine: 99.5 % at AWS (aws.amazon.com/compute/sla, read 2026-11), and so OCI; 99.9 % at Azure with premium
# disks for all (azure.microsoft.com/support/legal/sla/virtual-machines/v1_4, version of 2016-11, read 2026-11) and at
# Google Cloud for all families but the memory-optimised, of which it promises more (cloud.google.com/compute/sla).
MACHINE = 0.995
MACHINE_AT: Mapping[str, float] = MappingProxyType({"azure": 0.999, "gcp": 0.999})
# 99.9 % a month for each region (Amazon Bedrock SLA of 2023-10-04, aws.amazon.com/bedrock/sla, read 2026-11); so does
# Azure OpenAI by third parties (redresscompliance.com/azure-openai-sla-and-support, of 2026, read 2026-11), which are
# not the contract. What OCI promises of its models was not found: it is taken to be the same.
MODEL_API = 0.999
# A loss in one region that takes the other with it. On 2025-10-20 one fault in us-east-1 reached services of other
# regions that depend on it, for hours; two clouds still share the software, the operators and the way to the callers.
BETA_REGIONS = (0.02, 0.10, 0.30)
BETA_CLOUDS = (0.005, 0.02, 0.05)
SWITCH = (0.05, 0.15, 0.5)  # the share of an outage of the primary that passes before the standby carries on
MINUTES = 365.25 * 24 * 60


class Range(msgspec.Struct, frozen=True):
    """A figure with what it may be at worst and at best."""

    worst: float
    expected: float
    best: float


def machines_up(site: str, alone: bool) -> float:
    """What is promised of machines at a site; ``alone``: of one, else of several in two zones."""
    if alone:
        return MACHINE_AT.get(site.partition("/")[0], MACHINE)
    return COMPUTE_AT.get(site, COMPUTE)


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


ONE, STANDBY, ACTIVE = "one region", "two regions, one standing by", "two regions, both active"
DEPTHS = (ONE, STANDBY, ACTIVE)  # of one cloud, the cheapest first


def _two(beta: tuple[float, float, float], active: bool) -> Range:
    single = one_region()
    pairs = zip(reversed(beta), reversed(SWITCH), strict=True)
    return Range(*(doubled(single, b) if active else standby(single, b, s) for b, s in pairs))


def in_one_cloud(depth: str) -> Range:
    """Of one cloud by how it is doubled over regions."""
    single = one_region()
    return Range(single, single, single) if depth == ONE else _two(BETA_REGIONS, depth == ACTIVE)


def over_clouds(active: bool) -> Range:
    """Of two clouds: both active, or one standing by."""
    return _two(BETA_CLOUDS, active)


def both(one: Range) -> Range:
    """When a request needs a part in each of two clouds, both must be up."""
    return Range(one.worst**2, one.expected**2, one.best**2)


def depth_for(target: float | None, needs_both: bool = False) -> str | None:
    """The least doubling inside one cloud that is expected to hold a target; None when none does."""
    for depth in DEPTHS:
        found = in_one_cloud(depth)
        if (both(found) if needs_both else found).expected >= (target or 0.0):
            return depth
    return None


def minutes_a_year(share: float) -> float:
    """Minutes a year that a share of availability leaves."""
    return (1 - share) * MINUTES
