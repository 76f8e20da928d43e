"""What can be nowhere, told with its reasons: parts without an option, data without a site, groups without room."""

from collections.abc import Sequence

from polycloud.estate.paths import KeyPath
from polycloud.placement.build.apart import end, matched
from polycloud.placement.build.data import Data
from polycloud.placement.build.drafts import Draft
from polycloud.placement.build.elsewhere import elsewhere
from polycloud.placement.build.ground import Ground, listed
from polycloud.placement.build.law import Law
from polycloud.placement.build.options import Options
from polycloud.placement.build.refusals import explained, report
from polycloud.placement.build.shapes import Part
from polycloud.placement.problem import Item

TB = 10**12


def no_option(ground: Ground, law: Law, options: Options, part: Part) -> None:
    """One error with the smallest set of statements that refuse every machine at every site."""
    statements = explained(ground, dict(options.against(part)))
    what = f"{part.workload} can run nowhere" if part.name == part.workload else f"{part.name} can run nowhere"
    others = elsewhere(ground, law, options.distances, part, options.fits)
    adding = f"or list {' or '.join(others)} under clouds" if others else "or add a site"
    report(ground, "workload_unplaceable", part.path(), what, statements, f"change one of them, {adding}")


def no_item(ground: Ground, data: Data, item: Item) -> None:
    """One error with the smallest set of statements that leave too few sites for a dataset."""
    candidates = data.refused.get(item.name, {})
    allowed = len(item.hold)
    what = f"{item.name} can be kept nowhere"
    if allowed:
        what = f"{item.name} must have {item.copies} copies and may be at {allowed} site(s)"
    statements = explained(ground, candidates)
    path: KeyPath = ("datasets", item.name)
    report(ground, "dataset_unplaceable", path, what, statements, "change one of them, or add a site")


def no_pin(ground: Ground, data: Data, item: Item) -> None:
    """One error for each site where a copy must be and may not be: it is there already, or was asked for by name."""
    held = {site for site, _ in item.hold}
    for at in item.pinned:
        site = ground.sites[at]
        refused = data.refused.get(item.name, {}).get(site)
        if at not in held and refused:
            statements = explained(ground, {site: refused})
            what = f"{item.name} must have a copy at {site}"
            report(ground, "dataset_unplaceable", ("datasets", item.name), what, statements, "change one of them")


def check_storage(ground: Ground, items: Sequence[Item]) -> None:
    """Errors for halls in which more must be kept than they hold. What else is put there is not added up."""
    for name, hall in ground.estate.onprem.items():
        at = ground.index.get(f"onprem/{name}")
        mine = [item.name for item in items if at in item.pinned]
        sizes = [size.value for one in mine if (size := ground.estate.datasets[one].size) is not None]
        if hall.storage is not None and len(sizes) > 1 and sum(sizes) > hall.storage.value:
            message = f"{listed(mine)} must be there, {sum(sizes) / TB:g} TB in all; it holds {hall.storage}"
            path: KeyPath = ("onprem", name, "storage")
            ground.error("dataset_unplaceable", path, message, "pin fewer of them there, or add storage")


def check_groups(ground: Ground, options: Options, parts: list[Part], drafts: dict[str, list[Draft]]) -> None:
    """Parts that must be apart need a site, or a cloud, each; where there are too few, that is told."""
    groups: dict[int, list[Part]] = {}
    for part in parts:
        if part.group >= 0 and drafts[part.name]:
            groups.setdefault(part.group, []).append(part)
    for members in groups.values():
        first = members[0]
        by_cloud = first.work.apart == "cloud"
        ends = [{end(draft.machine.site, by_cloud) for draft in drafts[part.name]} for part in members]
        placed = matched(ends)
        if placed < len(members):
            word = "cloud" if by_cloud else "site"
            left = sorted(set().union(*ends))
            what = f"{first.workload} has {len(members)} parts, each at a {word} of its own, and only {placed} find one"
            others = {
                site: options.refusals(first, site)
                for site in ground.sites
                if end(site, by_cloud) not in left and options.refusals(first, site)
            }
            stated = "sites" if first.work.sites else "pattern"
            fix = f"allow more than {listed(left)}, or write fewer sites:" if stated == "sites" else "allow more places"
            report(ground, "workload_unplaceable", first.path(stated), what, explained(ground, others), fix)
