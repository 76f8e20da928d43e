"""Can the rules hold: data classes that some site satisfies, roles, secrets. Proof of residency is policy's."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo, available_timezones

from polycloud.core.geo import Site
from polycloud.estate.ground import Ground
from polycloud.estate.paths import KeyPath, suggestion
from polycloud.estate.schema.operations import Rotation
from polycloud.estate.schema.rules import PLACED, DataClass, Grant, Role

_COUNTRY = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?")
# What permission sets of AWS allow; the other clouds take it too.
# https://docs.aws.amazon.com/singlesignon/latest/userguide/howtosessionduration.html, 2026-11
SESSION_LEAST, SESSION_MOST = 3600, 12 * 3600  # seconds
DAY = 24 * 60  # minutes
YEAR, SEASONS = 2026, (1, 7)  # clocks are put forward in one half of the year, in the north or in the south
_MEMBERS = {"team": "team", "workload": "workload", "group": "", "user": ""}


def check_rules(ground: Ground) -> None:
    estate = ground.estate
    for name, data_class in estate.data_classes.items():
        _data_class(ground, name, data_class)
    if estate.data_classes and estate.residency.default_class is None:
        message = "a request that names no data class is held by none"
        ground.warn("default_class_missing", ("data_classes",), message, "add residency: {default_class: NAME}")
    _roles(ground)
    _placed(ground)
    _sign_in(ground)
    _rotations(ground)
    for name, secret in estate.secrets.items():
        if len(secret.sources) != 1:
            message = f"has {'no source' if not secret.sources else ' and '.join(secret.sources)}; one is needed"
            ground.error("secret_source", ("secrets", name), f"secret {name!r} {message}", "write {env: VARIABLE}")


def _data_class(ground: Ground, name: str, data_class: DataClass) -> None:
    path: KeyPath = ("data_classes", name)
    understood = True
    for index, word in enumerate(data_class.stay_in):
        # Written as one text instead of a list, the place has no index of its own.
        understood = _place_word(ground, (*path, "stay_in", index), word) and understood
    if not understood or data_class.unlimited or not ground.sites:
        return
    if not any(admits(ground, data_class, site) for site in ground.sites.values()):
        limits = [key for key in ("stay_in", "sites", "clouds", "operators") if getattr(data_class, key)]
        message = f"no site of this estate satisfies {' and '.join(limits)} of {name!r}"
        fix = f"widen it, or add a site inside it (sites: {', '.join(ground.sites)})"
        ground.error("class_unsatisfiable", path, message, fix)


def _place_word(ground: Ground, path: KeyPath, word: str) -> bool:
    """Whether a word of stay_in is a jurisdiction, a country or a site that is known."""
    catalog = ground.catalog
    if "/" in word:
        if word in ground.sites:
            return True
        ground.unknown(path, "site", word, ground.sites)
    elif catalog.jurisdiction(word) is not None or (_COUNTRY.fullmatch(word) and word in _countries(ground)):
        return True
    else:
        near = [word.lower()] if catalog.jurisdiction(word.lower()) else catalog.similar("jurisdiction", word)
        fix = f"did you mean {near[0]}?" if near else "write a jurisdiction (eu, uk, us), a country (DE) or a site"
        ground.error("jurisdiction_unknown", path, f"{word!r} is no jurisdiction, country or site", fix)
    return False


def _countries(ground: Ground) -> set[str]:
    catalog = ground.catalog
    found = {site.country for site in catalog.sites()} | {site.country for site in ground.sites.values()}
    for jurisdiction in catalog.jurisdictions():
        found.update(jurisdiction.members)
    return found


def admits(ground: Ground, data_class: DataClass, site: Site) -> bool:
    """Whether data of the class may be at the site, as far as the site alone says."""
    if data_class.stay_in and not any(_inside(ground, data_class, word, site) for word in data_class.stay_in):
        return False
    if data_class.sites and not any(fnmatchcase(site.id, pattern) for pattern in data_class.sites):
        return False
    if data_class.clouds and site.cloud not in data_class.clouds:
        return False
    region = ground.catalog.region(site.id)
    return not data_class.operators or bool({site.operator, region.kind if region else ""} & set(data_class.operators))


def _inside(ground: Ground, data_class: DataClass, word: str, site: Site) -> bool:
    region = ground.catalog.region(site.id)
    if word in (site.id, site.country, region.subdivision if region else None) or word in site.jurisdictions:
        return True
    if not data_class.include_adequate or ground.catalog.jurisdiction(word) is None:
        return False
    return site.country in ground.catalog.adequate(word)


def _roles(ground: Ground) -> None:
    estate = ground.estate
    alike: dict[str, str] = {}
    for name in estate.roles if estate.clouds.aws is not None else ():
        other = alike.setdefault(name.lower(), name)
        if other != name:  # docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, 2026-11
            message = f"{other} and {name} differ in capitals alone: roles at AWS, which are named after them, can not"
            ground.error("name_collides", ("roles", name), message, "rename one of them")
    declared = {"team": set(estate.teams), "workload": set(estate.workloads)}
    for name, role in estate.roles.items():
        for index, member in enumerate(role.members):
            path: KeyPath = ("roles", name, "members", index)
            kind, colon, who = member.partition(":")
            if not colon or kind not in _MEMBERS or not who:
                fix = "write group:NAME, user:ADDRESS, team:NAME or workload:NAME"
                ground.error("member_malformed", path, f"{member!r} says not who it is", fix)
            elif kind in declared and who not in declared[kind]:
                ground.unknown(path, kind, who, declared[kind])
        for at, grant in enumerate(role.can):
            for index, pattern in enumerate(grant.on):
                _reaches_something(ground, ("roles", name, "can", at, "on", index), pattern)
        if reaches_itself(name, {one: other.inherits for one, other in estate.roles.items()}):
            message = f"role {name!r} inherits from itself"
            ground.error("role_circular", ("roles", name, "inherits"), message, "break the circle")


def _reaches_something(ground: Ground, path: KeyPath, pattern: str) -> None:
    """A pattern of a grant that nothing of the estate matches is a slip: it would silently grant nothing."""
    estate = ground.estate
    declared = {"model": set(estate.models), "dataset": set(estate.datasets), "workload": set(estate.workloads)}
    every = [f"{kind}/{name}" for kind, names in declared.items() for name in names]
    kind, _, name = pattern.partition("/")
    if pattern in ("*", *(f"{kind}/*" for kind in declared)) or any(fnmatchcase(one, pattern) for one in every):
        return
    if kind in declared and name:
        ground.unknown(path, kind, name, declared[kind])
    else:
        message = f"{pattern!r} names neither a model, nor a dataset, nor a workload of this estate"
        ground.error(
            "choice_unknown", path, message, suggestion(pattern, [*every, *(f"{kind}/*" for kind in declared)])
        )


def _placed(ground: Ground) -> None:
    """Once a role names a workload, its pods may do what its roles say and no more: what they omit is told."""
    estate = ground.estate
    holding: dict[str, list[str]] = {}
    for name, role in estate.roles.items():
        for member in role.members:
            kind, _, who = member.partition(":")
            if kind == "workload":
                holding.setdefault(who, []).append(name)
    for name, workload in estate.workloads.items():
        roles = holding.get(name, [])
        if not roles and f"{PLACED}{name}" in estate.roles:
            message = f"render gives pods of {name} a role of this name, with the rights that they need"
            ground.error("name_collides", ("roles", f"{PLACED}{name}"), message, f"rename it, or name workload:{name}")
        if not roles:
            continue
        grants = [grant for role in _inherited(roles, estate.roles) for grant in estate.roles[role].can]
        for key, action in (("reads", "read"), ("writes", "write")):
            for at, dataset in enumerate(getattr(workload, key)):
                if dataset in estate.datasets and not any(_lets(ground, one, action, dataset) for one in grants):
                    message = f"{' and '.join(roles)} name workload:{name}, and do not let it {action} {dataset}"
                    fix = f"add {{do: [{action}], on: [dataset/{dataset}]}}; one that no role names gets its rights"
                    ground.warn("right_missing", ("workloads", name, key, at), message, fix)


def _inherited(names: list[str], roles: Mapping[str, Role]) -> list[str]:
    """Roles, and all whose grants are theirs too."""
    found: dict[str, None] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in roles and name not in found:
            found[name] = None
            waiting.extend(roles[name].inherits)
    return list(found)


def _lets(ground: Ground, grant: Grant, action: str, dataset: str) -> bool:
    """Whether a grant reaches a dataset, wherever its copies are."""
    held = ground.estate.datasets[dataset].data_class or ground.estate.residency.default_class
    named = any(pattern == "*" or fnmatchcase(f"dataset/{dataset}", pattern) for pattern in grant.on)
    return action in grant.do and named and (not grant.classes or held in grant.classes)


def _rotations(ground: Ground) -> None:
    zones = available_timezones()  # none on a machine without the tz database
    for name, rotation in ground.estate.alerts.rotations.items():
        if zones and rotation.time_zone not in zones:
            message = f"there is no time zone {rotation.time_zone!r}: nobody would be told of anything"
            fix = "write it as in Europe/Berlin, or UTC"
            ground.error("choice_unknown", ("alerts", "rotations", name, "time_zone"), message, fix)
            zones = set()  # nobody's hours can be reckoned
    alerts = ground.estate.alerts
    on_call = [alerts.rotations[name] for name in {*alerts.primary, *alerts.secondary} & set(alerts.rotations)]
    if on_call and zones and (free := max((_uncovered(on_call, month) for month in SEASONS), key=len)):
        first = f"{free[0] // 60:02}:{free[0] % 60:02}"
        message = f"nobody is on call for {len(free) / 60:.3g} h of the day, as at {first} UTC: pages are muted then"
        ground.warn("on_call_missing", ("alerts", "primary"), message, "widen hours:, or add a rotation for the rest")


def _uncovered(on_call: Sequence[Rotation], month: int) -> list[int]:
    """The minutes of a day, in UTC, in which no rotation is on call."""
    taken: set[int] = set()
    for one in on_call:
        start, end = (60 * int(at[:2]) + int(at[3:]) for at in one.hours.split("-"))
        ahead = datetime(YEAR, month, 15, tzinfo=ZoneInfo(one.time_zone)).utcoffset() or timedelta()
        begin = start - int(ahead.total_seconds()) // 60
        taken.update((begin + minute) % DAY for minute in range((end - start) % DAY or DAY))
    return [minute for minute in range(DAY) if minute not in taken]


def _sign_in(ground: Ground) -> None:
    sso = ground.estate.identity.sso
    if sso is None or sso.session is None:
        return
    if not SESSION_LEAST <= sso.session.value <= SESSION_MOST:
        message = f"{sso.session} is no length of a session that all clouds have"
        ground.error("out_of_range", ("identity", "sso", "session"), message, "write 1h to 12h")


def reaches_itself(start: str, edges: dict[str, tuple[str, ...]]) -> bool:
    """Whether following ``edges`` from ``start`` leads back to it."""
    seen: set[str] = set()
    waiting = list(edges.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name == start:
            return True
        if name not in seen:
            seen.add(name)
            waiting.extend(edges.get(name, ()))
    return False
