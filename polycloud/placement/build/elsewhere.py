"""Sites that the estate does not list, and where work that can run nowhere could run: the list of sites is a statement
of the estate too."""

from collections.abc import Callable

from polycloud.estate.schema.places import CloudName
from polycloud.placement.build.ground import Ground
from polycloud.placement.build.law import Law
from polycloud.placement.build.reach import Distances
from polycloud.placement.build.shapes import Part, at_allows

SHOWN_MAX = 3  # as many suggestions as a person reads


def elsewhere(
    ground: Ground, law: Law, distances: Distances, part: Part, fits: Callable[[Part, str], bool]
) -> tuple[str, ...]:
    """A few regions of the estate's clouds that law, at:, latency and the list of machines would allow."""
    needs = part.work.needs
    if part.fixed or part.halls == "only" or needs is None:
        return ()
    declared: set[CloudName] = {name for name, _ in ground.estate.clouds.each()}
    offering = None if needs.accelerator is None else set(ground.market.sites_offering(needs.accelerator))
    classes = law.of_work(part.work)
    found: list[str] = []
    for site in ground.catalog.sites():
        region = ground.catalog.region(site.id)
        listed = site.id in ground.index or site.cloud not in declared or ground.changes.gone(site.id)
        if listed or region is None or region.kind != "commercial" or not at_allows(part.work, site.id):
            continue
        if offering is not None and site.id not in offering:
            continue
        if law.admits(site.id, classes) and not distances.of(part, site.id).refused and fits(part, site.id):
            found.append(site.id)
            if len(found) == SHOWN_MAX:
                break
    return tuple(found)
