"""Does the estate make sense: references that lead somewhere, and no contradictions. All findings at once."""

from datetime import date

from polycloud.catalog import Catalog
from polycloud.core.diagnostics import Diagnostic
from polycloud.estate.check_clusters import check_clusters
from polycloud.estate.check_placement import check_placement
from polycloud.estate.check_places import check_places
from polycloud.estate.check_rules import check_rules
from polycloud.estate.check_traffic import check_models, check_routes
from polycloud.estate.check_work import check_work
from polycloud.estate.findings import Findings
from polycloud.estate.ground import Ground
from polycloud.estate.load import Loaded
from polycloud.estate.references import check_references


def check(loaded: Loaded, catalog: Catalog, today: date | None = None) -> tuple[Diagnostic, ...]:
    """Everything that is wrong or doubtful with an estate, in the order of its files: one call tells all.

    Names that lead nowhere are told even where other parts of the estate could not be read;
    contradictions only of an estate that could. With ``today``, models past their announced retirement
    and versions of Kubernetes near the end of their support are warned of. Whether every path keeps its
    data inside is not asked here: that is proved over the compiled tables.
    """
    if loaded.estate is None:
        findings = Findings(loaded.place, (d.place.path for d in loaded.diagnostics))
        check_references(loaded.data, catalog, findings)
    else:
        findings = ground = Ground(loaded.estate, catalog, loaded.place)
        check_references(loaded.data, catalog, ground)
        check_places(ground)
        check_rules(ground)
        check_models(ground, today)
        check_routes(ground)
        check_work(ground)
        check_placement(ground)
        check_clusters(ground, today)
    files = {str(path): index for index, path in enumerate(loaded.files)}
    return tuple(
        sorted(
            (*loaded.diagnostics, *findings.found),
            key=lambda d: (files.get(d.place.file, 0), d.place.line, d.place.column, d.code, d.message),
        )
    )
