"""A plan improved by small pieces: a few tasks that compete are taken out and put back one by one, with the copies that
they use, and stay where they then are if all together costs less.

This is ruin and recreate (G. Schrimpf and others, Journal of Computational Physics 159, 2000). A try takes less than a
millisecond where an exact model of a neighbourhood takes half a second. Given time, a try may also cost a little more,
less and less of it (simulated annealing; S. Kirkpatrick and others, Science 220, 1983), so that the plan leaves what is
only the best nearby.
"""

import random
from collections.abc import Callable

from polycloud.placement.solve.highs import Floats, Ints, np
from polycloud.placement.solve.neighbours import Neighbours
from polycloud.placement.solve.search import Search

FEWEST, MANY = 3, 8  # tasks of a piece
TURNS = 3  # of tasks and copies in a piece; what still improves then gains next to nothing
GAIN = 1e-4  # USD: what a try must save, so that rounding is no gain
HOT, COLD = 5e-5, 5e-8  # of the plan's cost: how much more a try may cost on average, at first and in the end


class Recreate:
    """Tries on one search's plan. ``cost`` is what each option costs at the best prices, and ``lost`` says by pool what
    promises cost the plan beyond that: tries begin where that is most."""

    def __init__(self, search: Search, nearby: Neighbours, cost: Floats, lost: Callable[[Ints], Floats]):
        self._search, self._nearby, self._cost, self._lost = search, nearby, cost, lost
        self._draw = random.Random(0)  # noqa: S311  no secret

    def run(self, below: float, tries: int, go_on: Callable[[], bool]) -> None:
        """Try until the plan costs less than ``below`` USD, or so many times."""
        now, worth = self._search.total(), self._worth()
        for _ in range(tries):
            if now <= below or not go_on():
                break
            then = self._try(worth, now - GAIN)
            if then is not None:
                now, worth = then, self._worth()

    def anneal(self, done: Callable[[], float], better: Callable[[], None]) -> None:
        """Try until ``done``, a share of the time, is 1; the best plan is then the search's. ``better`` is called
        whenever the search has a plan that is the best so far."""
        search = self._search
        now, worth = search.total(), self._worth()
        best, kept, scale = now, search.state(), abs(now)
        while (part := done()) < 1.0:
            more = scale * HOT * (COLD / HOT) ** part * self._draw.expovariate(1.0)
            then = self._try(worth, now + more)
            if then is None:
                continue
            now, worth = then, self._worth()
            if now < best - GAIN:
                best, kept = now, search.state()
                better()
        search.back(kept)

    def _try(self, worth: Floats, most: float) -> float | None:
        """A piece put back anew, and what the plan then costs; None, and nothing changed, if that is over ``most``."""
        search = self._search
        worst = int(np.searchsorted(worth, self._draw.random() * worth[-1], side="right"))
        piece = self._nearby.piece(search.choice, self._cost, worst, self._draw.randint(FEWEST, MANY))
        before = search.state()
        self._draw.shuffle(piece)
        if not self._again(np.array(piece, dtype=np.int64)):
            return None
        then = search.total()
        if then < most:
            return then
        search.back(before)
        return None

    def _worth(self) -> Floats:
        return self._nearby.worth(self._search.choice, self._cost, self._lost(self._search.choice)).cumsum()

    def _again(self, tasks: Ints) -> bool:
        """Take tasks out and put them back; True when one is elsewhere."""
        search, dense = self._search, self._search.dense
        old = search.choice[tasks]
        for task, k in zip(tasks.tolist(), old.tolist(), strict=True):
            search.put(task, k, -1.0)
        search.place(tasks)
        if (search.choice[tasks] == old).all():
            return False
        search.sweep(tasks, lambda: True)
        for _ in range(TURNS):
            moved = tasks[dense.site[search.choice[tasks]] != dense.site[old]].tolist()
            items = dict.fromkeys(int(dense.flow_item[flow]) for task in moved for flow in dense.flows_of_task[task])
            changed = [item for item in items if search.copies(item)]
            for item in changed:
                search.reach(item)
            if not changed or not search.sweep(tasks, lambda: True):
                break
        return bool((search.choice[tasks] != old).any())
