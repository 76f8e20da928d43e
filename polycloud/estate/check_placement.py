"""Can what is asked of placement be meant as it stands: demand, machines, users, patterns, prices, slips of units."""

from decimal import Decimal
from fnmatch import fnmatchcase

from polycloud.catalog.market import Market
from polycloud.core.units import Quantity
from polycloud.estate.ground import Ground
from polycloud.estate.paths import KeyPath, suggestion
from polycloud.estate.schema.operations import OwnPrice
from polycloud.estate.schema.work import Dataset, Workload

MONTH_HOURS = 730  # as the clouds bill it
LONGEST_MONTH_HOURS = 744
DAY = 24
READ_TIMES = 100  # a dataset read more often than this in a month is more likely a slip of units
INSTANCES_MOST = 100_000  # of one workload: more is more likely a slip
MEMORY_MOST = Decimal(32 * 2**40)  # bytes; the largest machines that are sold have this much
VCPU_MOST = 2_000
VCPU_MEMORY_MOST = Decimal(40 * 2**30)  # bytes for one vCPU; the leanest machine in the catalogue has 36.6 GiB
ACCELERATORS_MOST = (
    20_000  # in one instance; the largest published training run used 16,384 (Llama 3, arXiv 2407.21783)
)
SIZE_MOST = Decimal(10**18)  # bytes of one dataset; to keep an exabyte costs about 20 million USD a month
PRICE_TIMES = 10  # beside the list: the deepest published discounts leave a tenth (spot)
LINK_GB_MOST = 1_000_000  # micro-USD for a GB on a link; the dearest way over the internet costs a quarter of it
LINK_BITS_LEAST, LINK_BITS_MOST = Decimal(10**6), Decimal(10**14)  # a slow line; the sum of hundreds of the fastest
LATENCY_MOST_S, LATENCY_LEAST_S = Decimal(5), Decimal("0.0005")
SECONDS = {"day": Decimal(86400), "week": Decimal(604800), "month": Decimal(2629800), "year": Decimal(31557600)}


def check_placement(ground: Ground) -> None:
    """Notes what can not be planned as it is written, and what was probably meant otherwise."""
    estate = ground.estate
    if not (estate.workloads or estate.datasets or estate.quotas or estate.money.prices or estate.money.discounts):
        return
    market = Market.load()
    own = _own_accelerators(ground)
    for name, work in estate.workloads.items():
        path: KeyPath = ("workloads", name)
        _needs(ground, market, own, work, path)
        _demand(ground, work, path)
        _pattern(ground, work, path)
        _spot(ground, work, path)
        _users(ground, market, work, path)
        _volumes(ground, work, path)
    for name, dataset in estate.datasets.items():
        _growth(ground, dataset, ("datasets", name))
        if dataset.size is not None and dataset.size.value >= SIZE_MOST:
            fix = f"was {_smaller(str(dataset.size))} meant?"
            message = f"{dataset.size} in one dataset"
            ground.warn("unit_slip", ("datasets", name, "size"), message, fix)
    spread = estate.money.spread_moves_over
    if spread is not None and spread.value <= 0:
        message = f"first moves are spread over {spread}: no time at all"
        ground.error("out_of_range", ("money", "spread_moves_over"), message, "write a time, such as 1y")
    _quotas(ground, market, own)
    for at, price in enumerate(estate.money.prices):
        _price(ground, market, price, ("money", "prices", at))
    for cloud, ratio in estate.money.discounts.items():
        _below_all(ground, ("money", "discounts", cloud), ratio.value)
    for name, commitment in estate.commitments.items():
        if commitment.discount is not None:
            _below_all(ground, ("commitments", name, "discount"), commitment.discount.value)
    _halls(ground)
    _links(ground)


def _own_accelerators(ground: Ground) -> set[str]:
    """Accelerators that the estate itself brings: of its halls and of its own prices."""
    found = {kind for hall in ground.estate.onprem.values() for kind in hall.accelerators}
    return found | {price.accelerator for price in ground.estate.money.prices if price.accelerator}


# -- needs and demand ----------------------------------------------------------------------------------------


def _accelerator(ground: Ground, market: Market, own: set[str], word: str, path: KeyPath) -> None:
    if word not in own and not market.accelerators_named(word):
        near = market.similar("accelerator", word)
        fix = f"did you mean {near[0]}?" if near else "write its usual name, as in A100, L4 or TPU-v5p"
        ground.error("accelerator_unknown", path, f"no machine with an accelerator {word!r} is known", fix)


def _needs(ground: Ground, market: Market, own: set[str], work: Workload, path: KeyPath) -> None:
    for word in work.speed:
        _accelerator(ground, market, own, word, (*path, "speed", word))
        if work.speed[word] <= 0:
            ground.error("speed_wrong", (*path, "speed", word), "a speed is above 0", "write it as in {A100: 1.0}")
    needs = work.needs
    if needs is None:
        return
    if needs.accelerator is not None:
        _accelerator(ground, market, own, needs.accelerator, (*path, "needs", "accelerator"))
    elif needs.count is not None:
        message = f"{needs.count} accelerators, but not which"
        ground.error("accelerator_unknown", (*path, "needs", "count"), message, "add accelerator:, as in A100")
    if needs.memory is not None:
        _memory(ground, needs.memory, needs.vcpu, (*path, "needs", "memory"))
    if needs.vcpu is not None and needs.vcpu > VCPU_MOST:
        message = f"{needs.vcpu} vCPUs in one instance: no machine has so many"
        ground.warn("unit_slip", (*path, "needs", "vcpu"), message, "write more instances: scale: {max: 100}")
    if (needs.count or 0) > ACCELERATORS_MOST:
        message = f"{needs.count:,} accelerators in one instance are more than any known work uses"
        ground.warn("unit_slip", (*path, "needs", "count"), message, "write what one instance needs, and scale:")


def _memory(ground: Ground, memory: Quantity, vcpu: int | None, path: KeyPath) -> None:
    beside = ""
    if memory.value <= MEMORY_MOST:
        if not vcpu or memory.value <= VCPU_MEMORY_MOST * vcpu:
            return
        beside = f" beside {vcpu} vCPUs"
    message = f"{memory} of memory{beside}: no machine has so much"
    ground.warn("unit_slip", path, message, f"was {_smaller(str(memory))} meant?")


def _smaller(text: str) -> str:
    """``64 TB`` one unit smaller: ``64 GB``."""
    for unit, less in (("EB", "PB"), ("PB", "TB"), ("TB", "GB"), ("EiB", "PiB"), ("PiB", "TiB"), ("TiB", "GiB")):
        if text.endswith(unit):
            return text.removesuffix(unit) + less
    return "a smaller unit"


def _demand(ground: Ground, work: Workload, path: KeyPath) -> None:
    scale = work.scale
    if scale is not None:
        if scale.min > scale.max:
            message = f"at least {scale.min} instances, but at most {scale.max}"
            ground.error("demand_impossible", (*path, "scale", "min"), message, "let min be at most max")
        if scale.max > INSTANCES_MOST:
            message = f"{scale.max:,} instances are more than a cloud has had to spare so far"
            ground.warn("unit_slip", (*path, "scale", "max"), message, "write how many run at the same time at most")
        if scale.demand and len(scale.demand) != DAY:
            message = f"{len(scale.demand)} shares for the 24 hours of a day"
            ground.error("demand_impossible", (*path, "scale", "demand"), message, "write 24 shares")
        for hour, share in enumerate(scale.demand):
            if share.value > 1:
                message = f"{share} of the most in hour {hour}: the most is 100 %"
                ground.error("demand_impossible", (*path, "scale", "demand", hour), message, "raise max instead")
        if scale.demand and not any(share.value for share in scale.demand):
            message = "nothing is needed in any hour"
            ground.warn("demand_impossible", (*path, "scale", "demand"), message, "remove it, or write shares over 0 %")
    if work.hours_per_month is not None and work.hours_per_month > MONTH_HOURS:
        message = f"{work.hours_per_month} hours: a month has {MONTH_HOURS}"
        if work.hours_per_month > LONGEST_MONTH_HOURS:
            fix = "for more work at once write scale: {max: 2}"
            ground.error("demand_impossible", (*path, "hours_per_month"), message, fix)
        else:
            message += " on average, and that is what is planned"
            ground.warn("demand_impossible", (*path, "hours_per_month"), message, f"write {MONTH_HOURS}")


# -- patterns and spot ---------------------------------------------------------------------------------------


def _pattern(ground: Ground, work: Workload, path: KeyPath) -> None:
    def idle(key: str, pattern: str) -> None:
        message = f"{key} is of {pattern}, but the pattern is {work.pattern}"
        ground.error("pattern_contradiction", (*path, key), message, f"write pattern: {pattern}, or remove {key}")

    if work.pattern != "active-active":
        for key, given in (("sites", work.sites is not None), ("shares", bool(work.shares))):
            if given:
                idle(key, "active-active")
    elif work.sites is not None and work.shares and work.sites != len(work.shares):
        message = f"{work.sites} sites, but shares for {len(work.shares)}"
        ground.error("pattern_contradiction", (*path, "sites"), message, "remove sites:, shares say it")
    elif work.sites is not None and work.sites > len(ground.sites):
        message = f"over {work.sites} sites, but the estate has {len(ground.sites)}"
        ground.error("pattern_contradiction", (*path, "sites"), message, "add sites to clouds, or write fewer")
    if work.pattern != "active-passive" and work.standby is not None:
        idle("standby", "active-passive")
    if work.pattern not in ("active-active", "active-passive") and work.apart == "cloud":
        idle("apart", "active-active")
    if work.standby is not None and work.standby.value > 1:
        message = f"the standby keeps {work.standby} of the capacity"
        ground.error("pattern_contradiction", (*path, "standby"), message, "write 100 % at most")
    if work.pattern in ("burst", "train-here-serve-there") and not ground.estate.onprem:
        message = f"the pattern {work.pattern} needs a hall of one's own, and the estate has none"
        ground.error("pattern_contradiction", (*path, "pattern"), message, "add one under onprem:, or write single")
    ground.total((*path, "shares"), work.shares)


def _spot(ground: Ground, work: Workload, path: KeyPath) -> None:
    if work.spot_share is not None and work.spot_share.value > 1:
        message = f"{work.spot_share} of its hours on spot machines"
        ground.error("spot_contradiction", (*path, "spot_share"), message, "write 100 % at most")
    if work.spot_share is not None and work.spot_share.value > 0 and work.interruptible is False:
        message = f"{work.spot_share} of its hours on spot machines, but it is not interruptible"
        ground.error("spot_contradiction", (*path, "spot_share"), message, "remove one of the two")
    every, takes = work.checkpoint_every, work.checkpoint_takes
    if every is not None and every.value <= 0:
        ground.error("spot_contradiction", (*path, "checkpoint_every"), "a state saved all the time", "write 30m")
    elif every is not None and takes is not None and takes.value >= every.value:
        message = f"saving takes {takes}, and is done every {every}: no time is left to work"
        ground.error("spot_contradiction", (*path, "checkpoint_every"), message, "save less often")
    if work.deadline is not None and work.deadline.value <= 0:
        ground.error("spot_contradiction", (*path, "deadline"), "no time at all", "write a time, such as 12h")


# -- users and data ------------------------------------------------------------------------------------------


def _users(ground: Ground, market: Market, work: Workload, path: KeyPath) -> None:
    ground.total((*path, "users"), work.users)
    for region in work.users:
        here = (*path, "users", region)
        if "/" in region:
            if region not in ground.sites and ground.catalog.site(region) is None:
                fix = suggestion(region, [*ground.sites, *ground.catalog.similar("site", region)])
                ground.error("users_unknown", here, f"there is no site {region!r}", fix)
        elif market.rtt("US", region) is None:
            fix = "write its ISO 3166-1 code in two capitals, as in DE"
            ground.error("users_unknown", here, f"the catalogue knows no country {region!r}", fix)
    if work.latency is not None:
        if not work.users and not work.uses:
            message = "a round trip to its users, but not where they are"
            ground.warn("users_unknown", (*path, "latency"), message, "add users: {DE: 100 %}")
        if work.latency.value > LATENCY_MOST_S or work.latency.value < LATENCY_LEAST_S:
            message = f"a round trip of {work.latency}"
            ground.warn("unit_slip", (*path, "latency"), message, "write it in ms, as in 40ms")
    elif work.late_cost is not None:
        message = "what being late costs, but not from when on"
        ground.error("key_missing", (*path, "late_cost"), message, "add latency: 40ms")


def _volumes(ground: Ground, work: Workload, path: KeyPath) -> None:
    for key, table in (("read_per_month", work.read_per_month), ("written_per_month", work.written_per_month)):
        for name, volume in table.items():
            dataset = ground.estate.datasets.get(name)
            size = dataset.size if dataset is not None else None
            if size is not None and size.value and volume.value > READ_TIMES * size.value:
                message = f"{volume} a month of a dataset of {size}: {volume.value / size.value:,.0f} times all of it"
                fix = f"was {_smaller(str(volume))} meant?"
                ground.warn("unit_slip", (*path, key, name), message, fix)
    for key, names in (("reads", work.reads),):
        for at, name in enumerate(names):
            dataset = ground.estate.datasets.get(name)
            if dataset is not None and dataset.size is None and name not in work.read_per_month:
                message = f"how much of {name} is read is not known: the dataset has no size"
                fix = f"add size: to {name}, or read_per_month: {{{name}: 1 TB}}"
                ground.warn("size_missing", (*path, key, at), message, fix)


def _growth(ground: Ground, dataset: Dataset, path: KeyPath) -> None:
    if dataset.grows is None or dataset.size is None:
        return
    month = dataset.grows.size.value * SECONDS["month"] / SECONDS[dataset.grows.per]
    if month > dataset.size.value > 0:
        message = f"it is {dataset.size}, and grows by more than that each month"
        fix = f"was {_smaller(str(dataset.grows.size))} meant, or another size?"
        ground.warn("unit_slip", (*path, "grows", "size"), message, fix)


# -- limits and prices ---------------------------------------------------------------------------------------


def _quotas(ground: Ground, market: Market, own: set[str]) -> None:
    for name, quota in ground.estate.quotas.items():
        path: KeyPath = ("quotas", name)
        what = quota.what
        if what.startswith("model:"):
            continue
        chips = market.accelerators_named(what)
        own_machines = {price.machine for price in ground.estate.money.prices if fnmatchcase(quota.at, price.at)}
        if not chips and what not in own | own_machines and market.offer(quota.at, what) is None:
            near = [*market.similar("accelerator", what), *market.similar(f"machine:{quota.at}", what)]
            fix = f"did you mean {near[0]}?" if near else "name an accelerator, a machine type, or model:NAME"
            ground.error("machine_unknown", (*path, "what"), f"{quota.at} has no {what!r}", fix)
            continue
        for workload, work in ground.estate.workloads.items():
            _enough(ground, workload, work, chips or (what,), quota.at, quota.limit, (*path, "limit"))


def _enough(
    ground: Ground, name: str, work: Workload, chips: tuple[str, ...], site: str, limit: int, path: KeyPath
) -> None:
    """Work that can be only where the quota holds must fit under it."""
    needs = work.needs
    if needs is None or needs.accelerator is None or work.at != (site,) or work.speed or work.pattern == "burst":
        return
    known = Market.load().accelerators_named(needs.accelerator) or (needs.accelerator,)
    if not set(known) <= set(chips):
        return
    least = (needs.count or 1) * max(1, work.scale.min if work.scale else 1)
    if least > limit:
        message = f"{name} can be at {site} only and needs {least} {needs.accelerator} at least; {limit} are allowed"
        ground.error("quota_small", path, message, "raise the quota, or let the workload be elsewhere")


def _price(ground: Ground, market: Market, price: OwnPrice, path: KeyPath) -> None:
    given = (price.on_demand, price.spot, price.committed_1y, price.committed_3y)
    if not any(given):
        message = f"a price for {price.machine}, but no amount"
        ground.error("price_missing", path, message, "add on_demand: 2.50 USD, or spot: or committed_1y:")
        return
    sites = [site for site in ground.sites if fnmatchcase(site, price.at)]
    listed = [site for site in sites if market.offer(site, price.machine) is not None]
    if sites and not listed and price.vcpu is None and price.accelerator is None:
        near = market.similar(f"machine:{sites[0]}", price.machine)
        fix = f"did you mean {near[0]}? " if near else ""
        message = f"no site of {price.at} lists {price.machine!r}"
        ground.error("machine_unknown", (*path, "machine"), message, f"{fix}for a new machine add vcpu: and memory:")
    for key in ("on_demand", "spot", "committed_1y", "committed_3y"):
        amount = getattr(price, key)
        if amount is not None and not amount.micro:
            message = f"0 for {price.machine} is planned as free"
            ground.warn("price_zero", (*path, key), message, "leave it out where it is not known")
        regular = price.on_demand
        if amount is not None and regular is not None and amount.currency == regular.currency and amount > regular:
            message = f"{amount} is above the on-demand price of {regular}"
            ground.warn("unit_slip", (*path, key), message, "amounts are for one machine and one hour")

    list_prices = [
        offer.on_demand
        for site in listed
        if (offer := market.offer(site, price.machine)) is not None
        and offer.on_demand
        and price.on_demand is not None
        and price.on_demand.currency == offer.currency
    ]
    mine = price.on_demand.micro if price.on_demand is not None else 0
    if list_prices and mine and not min(list_prices) <= mine * PRICE_TIMES <= max(list_prices) * PRICE_TIMES**2:
        usual = min(list_prices, key=lambda row: abs(row - mine)) / 1_000_000
        message = f"{mine / 1_000_000:g} USD an hour for {price.machine}; the list says {usual:g} USD"
        ground.warn("unit_slip", (*path, "on_demand"), message, "amounts are for one machine and one hour")


def _below_all(ground: Ground, path: KeyPath, value: Decimal) -> None:
    if value >= 1:
        ground.error("discount_wrong", path, f"a discount of {value * 100:f} %", "write what is taken off, as in 30 %")


def _links(ground: Ground) -> None:
    """Slips of units in what a link costs and carries."""
    for name, link in ground.estate.links.items():
        path: KeyPath = ("links", name)
        if link.cost_per_gb is not None and link.cost_per_gb.micro > LINK_GB_MOST:
            message = f"{link.cost_per_gb} for each gigabyte: more than any way over the internet"
            ground.warn("unit_slip", (*path, "cost_per_gb"), message, "was the price of a terabyte meant?")
        if link.bandwidth is not None and not LINK_BITS_LEAST <= link.bandwidth.value <= LINK_BITS_MOST:
            message = f"a link of {link.bandwidth}"
            ground.warn("unit_slip", (*path, "bandwidth"), message, "write it as in 10 Gbps")


def _halls(ground: Ground) -> None:
    """A hall without its cost is never planned with: unknown is not free."""
    if not any(work.needs for work in ground.estate.workloads.values()):
        return
    for name, hall in ground.estate.onprem.items():
        path: KeyPath = ("onprem", name)
        if hall.accelerators and hall.cost_per_hour is None:
            message = "what its accelerators cost is not stated: nothing is planned on them"
            ground.warn("price_unknown", path, message, "add cost_per_hour: 1.20 USD")
        if hall.vcpus is not None and hall.cost_per_vcpu_hour is None:
            message = "what its vCPUs cost is not stated: nothing is planned on them"
            ground.warn("price_unknown", path, message, "add cost_per_vcpu_hour: 0.02 USD")
        for kind in hall.accelerators:
            if not Market.load().accelerators_named(kind):
                message = f"the catalogue knows no accelerator {kind!r}: it is for work that names it only"
                near = Market.load().similar("accelerator", kind)
                fix = f"did you mean {near[0]}?" if near else "its speed is read from the workload's speed:"
                ground.warn("accelerator_unknown", (*path, "accelerators", kind), message, fix)
