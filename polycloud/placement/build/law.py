"""Which data classes hold for a piece of work or data, and which sites they allow: policy's own predicate, asked once
for each class and site."""

from collections.abc import Iterable

from polycloud.estate.schema.rules import DataClass
from polycloud.estate.schema.work import Workload
from polycloud.placement.build.ground import Ground
from polycloud.policy.residency import Atlas, inside

UNCLASSED = ""  # the class of what names none in an estate without a default: it may be anywhere


class Law:
    """Residency for one plan."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._atlas = Atlas(ground.estate, ground.catalog)
        self._inside: dict[str, frozenset[str]] = {}

    @property
    def default(self) -> str:
        return self._ground.estate.residency.default_class or UNCLASSED

    def rule(self, name: str) -> DataClass:
        return self._ground.estate.data_classes.get(name) or DataClass()

    def of_dataset(self, name: str) -> str:
        dataset = self._ground.estate.datasets[name]
        return dataset.data_class or self.default

    def of_work(self, workload: Workload) -> tuple[str, ...]:
        """All classes that hold for work: its own, those of the data it reads and writes, and those that the model
        it serves was trained on; where none of these says anything, the estate's default."""
        found = dict.fromkeys(filter(None, [workload.data_class]))
        found.update(dict.fromkeys(map(self.of_dataset, touched(workload))))
        served = self._ground.estate.models.get(workload.serves or "")
        found.update(dict.fromkeys(served.trained_on if served else ()))
        found.pop(UNCLASSED, None)
        return tuple(found) or tuple(filter(None, [self.default]))

    def inside(self, name: str) -> frozenset[str]:
        """The sites of the plan that a class allows for keeping and processing."""
        if name not in self._inside:
            rule, catalog = self.rule(name), self._ground.catalog
            self._inside[name] = frozenset(
                site for site in self._ground.sites if inside(self._atlas.find(site), rule, catalog)
            )
        return self._inside[name]

    def admits(self, site: str, names: Iterable[str]) -> bool:
        """Whether all of the classes allow a site, one of the plan or not."""
        where = self._atlas.find(site)
        return all(inside(where, self.rule(name), self._ground.catalog) for name in names)

    def passable(self, name: str) -> frozenset[str]:
        """The sites that data of a class may come through: everywhere for one that may be copied anywhere."""
        return frozenset(self._ground.sites) if self.rule(name).replicate == "anywhere" else self.inside(name)

    def allowed(self, names: Iterable[str]) -> frozenset[str]:
        """The sites that all of the classes allow."""
        found = frozenset(self._ground.sites)
        for name in names:
            found &= self.inside(name)
        return found


def touched(workload: Workload) -> tuple[str, ...]:
    """The datasets that work reads or writes, in the order of the estate."""
    every = (*workload.reads, *workload.read_per_month, *workload.writes, *workload.written_per_month)
    return tuple(dict.fromkeys(every))
