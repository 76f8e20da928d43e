"""What a machine emits: watts by its accelerators and vCPUs, times the hall's overhead, times the grid's grams."""

from polycloud.catalog.market_rows import Carbon
from polycloud.placement.build.ground import Ground
from polycloud.placement.build.machines import Machine

LOAD = 0.5  # of general processors while work runs; accelerators are reckoned at their board power


def grams_per_hour(ground: Ground, machine: Machine) -> float | None:
    """Grams of CO2 equivalent an hour of one machine; None where the grid, the overhead or a draw is not known.

    pue x (accelerators x board watts + vCPUs x watts + memory x watts) / 1000 x grams per kWh.
    """
    market, cloud = ground.market, machine.site.partition("/")[0]
    carbon, power = _grid(ground, machine.site), market.power(cloud)
    if carbon is None or power is None or power.pue is None:
        return None
    watts = 0.0
    if machine.accelerator:
        chip = market.accelerator(machine.accelerator)
        if chip is None or chip.watts is None:
            return None
        watts += chip.watts * (machine.accelerators or 1)
    each = power.watts_per_vcpu(LOAD)
    if machine.vcpu is not None:
        if each is None:
            return None
        watts += machine.vcpu * each
    watts += (machine.memory_gib or 0.0) * (power.memory_watts_per_gib or 0.0)
    return power.pue * watts / 1000 * carbon.grams_per_kwh


def _grid(ground: Ground, site: str) -> Carbon | None:
    """The grid's figure at a site; for a hall the average of its country, as it stands for a region there."""
    cloud, _, name = site.partition("/")
    hall = ground.estate.onprem.get(name) if cloud == "onprem" else None
    found = ground.market.carbon(site)
    if found is not None or hall is None:
        return found
    rows = [ground.market.carbon(other.id) for other in ground.catalog.sites() if other.country == hall.country]
    return next((row for row in rows if row is not None and row.kind == "country"), None)
