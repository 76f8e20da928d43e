"""Does the estate make sense: references that lead somewhere, and no contradictions. All findings at once."""

from datetime import date

from polycloud.catalog import Catalog
from polycloud.core.diagnostics import Diagnostic
from polycloud.estate.check_clusters import check_clusters
from polycloud.estate.check_past import check_past
from polycloud.estate.check_placement import check_placement
from polycloud.estate.check_places import check_places
from polycloud.estate.check_rates import check_rates
from polycloud.estate.check_rules import check_rules
from polycloud.estate.check_stores import check_stores
from polycloud.estate.check_traffic import check_models, check_routes
from polycloud.estate.check_work import check_work
from polycloud.estate.findings import Findings
from polycloud.estate.ground import Ground
from polycloud.estate.load import Loaded
from polycloud.estate.paths import KeyPath, path_text
from polycloud.estate.references import check_references

ENTRY = 2  # words of the path of an entry: its section and its name


class _Refused:
    """A part of the estate that could not be read: its entry, and the name that others know the entry by."""

    def __init__(self, path: KeyPath) -> None:
        self._entry = path_text(path[:ENTRY])
        name = path[ENTRY - 1] if len(path) >= ENTRY else path[0]
        self._names = (f"{name!r}", f"{name}/", f" {name} ") if isinstance(name, str) else ()

    def under(self, found: Diagnostic) -> bool:
        """Whether a finding is about the entry, or names it."""
        path = found.place.path
        if path == self._entry or path.startswith((f"{self._entry}.", f"{self._entry}[")):
            return True
        return any(name in f"{found.message} {found.fix}" for name in self._names)


def check(loaded: Loaded, catalog: Catalog, today: date | None = None) -> tuple[Diagnostic, ...]:
    """Everything that is wrong or doubtful with an estate, in the order of its files: one call tells all.

    What is refused by itself is left out of what is held against each other, and nothing is said that rests on it.
    With ``today``, models past their announced retirement and versions of Kubernetes near the end of their support
    are warned of. Whether every path keeps its data inside is not asked here: that is proved over the compiled tables.
    """
    findings = Findings(loaded.place, (d.place.path for d in loaded.diagnostics))
    check_references(loaded.data, catalog, findings)
    found = list(findings.found)
    if loaded.rest is not None:
        ground = Ground(loaded.rest, catalog, loaded.place)
        check_places(ground)
        check_rules(ground)
        check_models(ground, today)
        check_routes(ground)
        check_work(ground)
        check_stores(ground)
        check_placement(ground)
        check_rates(ground)
        check_clusters(ground, today)
        check_past(ground)
        doubtful = [_Refused(path) for path in loaded.refused]
        found += [one for one in ground.found if not any(refused.under(one) for refused in doubtful)]
    files = {str(path): index for index, path in enumerate(loaded.files)}
    return tuple(
        sorted(
            (*loaded.diagnostics, *found),
            key=lambda d: (files.get(d.place.file, 0), d.place.line, d.place.column, d.code, d.message),
        )
    )
