"""What a promise of capacity covers: a machine family in a region, or as much as a commitment that is held says.

A machine's hours are in the pool of its family and region: new promises are for one of these, at the catalogue's
committed prices. Commitments that the estate holds are terms of their family's pool; one for a whole region or cloud
covers what the promises of the families in it leave. The promised spend becomes usage at on-demand prices by its
discount: spend per hour / (1 - discount). Prepaid credits pay whatever their cloud charges in a month: compute,
storage and what it sends (oracle.com/cloud/universal-credits, 2026-11).
"""

from collections.abc import Iterable
from datetime import date
from fractions import Fraction

import msgspec

from polycloud.estate.paths import KeyPath
from polycloud.estate.schema.work import Commitment
from polycloud.placement.build.demand import rounded
from polycloud.placement.build.drafts import Draft
from polycloud.placement.build.ground import Ground, hours
from polycloud.placement.build.machines import PPM, Machine, Machines, family
from polycloud.placement.problem import HOURS, MIXED, ON_DEMAND, Credit, Meter, Pool, Term, Wide

GATEWAYS = ("ptu", "dedicated", "provisioned")  # capacity of models: the gateway fills it
YEAR_HOURS = 8760
RENEWAL_DAYS = 90  # a quarter's notice that a commitment ends; terms of a year always end within the planning horizon
TERMS = ("1 year", "3 years")
CREDITS = "universal-credits"
Scope = tuple[str, ...]
FAMILY = 3  # words of the scope of a family: its cloud, its site, itself


class Held(msgspec.Struct, frozen=True):
    """A commitment in force: ``scope`` is a cloud, a site, or a site and a family; ``rate`` micro-USD per hour at
    on-demand prices."""

    name: str
    scope: tuple[str, ...]
    keep: int
    rate: int


class Reach(msgspec.Struct, frozen=True):
    """What promises can do for a machine in the pool ``scope``: the least and the most that the best of them keeps of
    its on-demand price, in millionths; ``wide``: one for more than its family may cover what these leave."""

    scope: Scope
    least: int = PPM
    most: int = PPM
    wide: bool = False


class Pools:
    """Which pool a machine's hours fall into, and the pools' terms once it is known what is in them."""

    def __init__(self, ground: Ground, machines: Machines) -> None:
        self._ground = ground
        self._machines = machines
        self._sold = TERMS if ground.estate.money.new_commitments else ()
        self.fixed: list[tuple[str, int]] = []
        self._credits: list[Credit] = []
        self.held = [
            found
            for name, commitment in ground.estate.commitments.items()
            if (found := self._read(name, commitment)) is not None
        ]
        self._wide = [held for held in self.held if len(held.scope) < FAMILY]
        self.paths: dict[str, KeyPath] = {held.name: ("commitments", held.name) for held in self.held}
        self.paths |= {credit.name: ("commitments", credit.name) for credit in self._credits}
        self._reaches: dict[tuple[str, str], Reach] = {}
        self._mosts: dict[Scope, int] = {}

    # -- what is held ------------------------------------------------------------------------------------

    def _read(self, name: str, commitment: Commitment) -> Held | None:
        path: KeyPath = ("commitments", name)
        if commitment.kind in GATEWAYS:
            self._ground.leave("", "", f"commitment {name}", "capacity of models: the gateway fills it")
            return None
        if not self._in_force(name, commitment, path):
            return None
        if commitment.kind == CREDITS:
            self._prepaid(name, commitment, path)
            return None
        scope = self._scope(commitment)
        sample = self._sample(commitment)
        keep = None if commitment.discount is None else PPM - int(commitment.discount.value * PPM)
        if keep is None and sample is not None:
            long = commitment.term is not None and hours(commitment.term, 0) > 2 * YEAR_HOURS
            keep = sample.keeps[1 if long else 0]
        keep = PPM if keep is None else keep  # no discount is stated or listed: what is promised pays list prices
        rate = self._rate(commitment, sample, keep, path)
        if not keep or rate is None:
            self._vague(name, commitment, path)
            return None
        if commitment.at is not None and commitment.at not in self._ground.index:
            self._ground.leave(
                "", commitment.at, f"commitment {name}", "its site is not in the plan; it is paid all the same"
            )
        return Held(name, scope, keep, rate)

    def _prepaid(self, name: str, commitment: Commitment, path: KeyPath) -> None:
        """Money for all that a cloud charges: the sum spread over its term, worth more by its discount."""
        keep = PPM if commitment.discount is None else PPM - int(commitment.discount.value * PPM)
        rate = self._rate(commitment, None, keep, path)
        if rate is None:
            self._vague(name, commitment, path)
            return
        self._credits.append(Credit(name, commitment.cloud, rate * HOURS, rounded(Fraction(rate * HOURS * keep, PPM))))

    def _vague(self, name: str, commitment: Commitment, path: KeyPath) -> None:
        """What can not be reckoned covers nothing in the plan, and is paid all the same where that is known."""
        amount = self._ground.usd(commitment.amount, (*path, "amount"))
        message = f"what the commitment {name} covers can not be reckoned: the plan is made without it"
        if amount is not None and commitment.term is not None:
            self.fixed.append((f"commitment {name}", rounded(amount * HOURS / Fraction(commitment.term.value / 3600))))
            message += ", and it is paid"
        self._ground.warn(
            "commitment_vague", path, message, "write amount, term and discount; or units, sku, at and discount"
        )

    def _in_force(self, name: str, commitment: Commitment, path: KeyPath) -> bool:
        today = self._ground.today
        if today is None or commitment.starts is None:
            return True
        starts = date.fromisoformat(commitment.starts)
        if starts > today:
            self._ground.leave("", "", f"commitment {name}", f"it begins on {starts}")
            return False
        if commitment.term is None:
            return True
        left = float(commitment.term.value) / 86400 - (today - starts).days
        if left <= 0:
            self._ground.leave("", "", f"commitment {name}", f"its term ended {-round(left)} days ago")
            return False
        if left < RENEWAL_DAYS:
            message = f"the commitment {name} ends in {round(left)} days: the plan counts on it as it is now"
            self._ground.warn("commitment_ends", path, message, "plan again then, or renew it")
        return True

    def _scope(self, commitment: Commitment) -> tuple[str, ...]:
        if commitment.at is None:
            return (commitment.cloud,)
        if commitment.sku is None:
            return (commitment.cloud, commitment.at)
        return (commitment.cloud, commitment.at, family(commitment.cloud, commitment.sku))

    def _sample(self, commitment: Commitment) -> Machine | None:
        if commitment.at is None or commitment.sku is None:
            return None
        return next((m for m in self._machines.at(commitment.at) if m.name == commitment.sku), None)

    def _rate(self, commitment: Commitment, sample: Machine | None, keep: int | None, path: KeyPath) -> int | None:
        """Micro-USD per hour at on-demand prices that are promised."""
        if commitment.amount is not None:
            amount = self._ground.usd(commitment.amount, (*path, "amount"))
            if amount is None or commitment.term is None or not keep:
                return None
            return int(Fraction(amount * PPM, keep) / Fraction(commitment.term.value / 3600))
        if commitment.units is not None and sample is not None and sample.on_demand is not None:
            return commitment.units * sample.on_demand
        return None

    # -- pools -------------------------------------------------------------------------------------------

    def scope(self, machine: Machine) -> tuple[str, ...]:
        """The pool of a machine: its family and region."""
        return (machine.site.partition("/")[0], machine.site, machine.family)

    def reach(self, machine: Machine) -> Reach:
        """What promises can do for a machine. Where one is held for just its family, its hours may be paid already."""
        key = (machine.site, machine.name)
        if key not in self._reaches:
            scope = self.scope(machine)
            held = any(held.scope == scope for held in self.held)
            own = min((keep for keep in machine.keeps[: len(self._sold)] if keep is not None), default=PPM)
            self._reaches[key] = Reach(
                scope, 0 if held else own, self._most(scope, machine.site), bool(self._covering(scope))
            )
        return self._reaches[key]

    def _most(self, scope: Scope, site: str) -> int:
        """The least that a promise keeps which can be bought whatever machines of a family are in its pool."""
        if scope not in self._mosts:
            members = [m for m in self._machines.at(site) if m.family == scope[2] and m.on_demand is not None]
            terms = [[machine.keeps[at] for machine in members] for at in range(len(self._sold))]
            known = [[keep for keep in keeps if keep is not None] for keeps in terms]
            whole = [
                max(found) for found, keeps in zip(known, terms, strict=True) if found and len(found) == len(keeps)
            ]
            self._mosts[scope] = min(whole, default=PPM)
        return self._mosts[scope]

    def rows(self, drafts: Iterable[Draft]) -> tuple[tuple[Pool, ...], dict[tuple[str, ...], int]]:
        """The pools that options fall into, or that something is held for, and their indices by scope."""
        members: dict[tuple[str, ...], dict[tuple[str, str], Machine]] = {}
        for held in self.held:
            if len(held.scope) == FAMILY:
                members.setdefault(held.scope, {})
        for draft in drafts:
            if draft.market in (ON_DEMAND, MIXED) and any(draft.hourly):
                found = members.setdefault(self.scope(draft.machine), {})
                found[draft.machine.site, draft.machine.name] = draft.machine
        rows: list[Pool] = []
        index: dict[tuple[str, ...], int] = {}
        for scope, machines in members.items():
            terms = self._terms(scope, list(machines.values()))
            if terms or self._covering(scope):
                index[scope] = len(rows)
                rows.append(Pool(" ".join(scope[-2:]), terms))
        return tuple(rows), index

    def wide(self, index: dict[Scope, int]) -> tuple[Wide, ...]:
        """The commitments that are held for more than a family, with the pools of ``rows`` that they cover."""
        return tuple(
            Wide(
                held.name,
                tuple(at for scope, at in index.items() if held in self._covering(scope)),
                held.keep,
                held.rate,
                held.scope[-1],
            )
            for held in self._wide
        )

    def credits(self, index: dict[Scope, int], meters: Iterable[Meter]) -> tuple[Credit, ...]:
        """What is prepaid, with the pools and the meters of its cloud: their names begin with their site's."""
        sending = [meter.name.partition("/")[0] for meter in meters]
        return tuple(
            msgspec.structs.replace(
                credit,
                meters=tuple(at for at, cloud in enumerate(sending) if cloud == credit.cloud),
                pools=tuple(at for scope, at in index.items() if scope[0] == credit.cloud),
            )
            for credit in self._credits
        )

    def _covering(self, scope: Scope) -> list[Held]:
        return [held for held in self._wide if scope[: len(held.scope)] == held.scope]

    def _terms(self, scope: tuple[str, ...], machines: list[Machine]) -> tuple[Term, ...]:
        """What is held, then what can be bought: at the dearest ratio of the machines in the pool, and only where the
        committed price of each of them is known."""
        found = [Term(held.name, held.keep, held.rate, held.rate) for held in self.held if held.scope == scope]
        for at, name in enumerate(self._sold):
            keeps = [machine.keeps[at] for machine in machines]
            known = [keep for keep in keeps if keep is not None]
            if known and len(known) == len(keeps):
                found.append(Term(name, max(known)))
        return tuple(found)
