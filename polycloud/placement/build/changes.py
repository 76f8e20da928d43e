"""What if: an estate without some sites or workloads, with other prices, with more sites or workloads."""

from fnmatch import fnmatchcase

import msgspec

from polycloud.estate import Estate
from polycloud.estate.schema.operations import OwnPrice
from polycloud.estate.schema.work import Workload


class Changes(msgspec.Struct, frozen=True):
    """``without``: clouds (``aws``), sites or patterns of them (``aws/us-*``), or names of workloads; ``prices`` stand
    after the estate's own, so they win; ``add``: sites that the estate does not list; ``workloads``: more work."""

    without: tuple[str, ...] = ()
    prices: tuple[OwnPrice, ...] = ()
    add: tuple[str, ...] = ()
    workloads: tuple[tuple[str, Workload], ...] = ()

    def gone(self, site: str) -> bool:
        """Whether a site is left out."""
        return any(fnmatchcase(site, pattern if "/" in pattern else f"{pattern}/*") for pattern in self.without)

    def applied(self, estate: Estate) -> Estate:
        """The estate with other prices and work; which sites there are is asked of ``sites``."""
        if not (self.prices or self.workloads or self.without):
            return estate
        work = {n: w for n, w in (estate.workloads | dict(self.workloads)).items() if n not in self.without}
        money = estate.money.model_copy(update={"prices": (*estate.money.prices, *self.prices)})
        return estate.model_copy(update={"workloads": work, "money": money})

    def sites(self, estate: Estate) -> tuple[str, ...]:
        """The sites to plan with, in the order of the file, those added last."""
        every = dict.fromkeys((*estate.site_ids(), *self.add))
        return tuple(site for site in every if not self.gone(site))
