"""Every name in an estate that stands for something declared elsewhere, found by the schema's own types.

Works on the plain values of the file, so that wrong names are told even when other parts of the
estate do not fit the schema.
"""

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from types import UnionType
from typing import Annotated, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel

from polycloud.catalog import Catalog
from polycloud.estate.findings import Findings
from polycloud.estate.paths import KeyPath, suggestion
from polycloud.estate.scalars import Refers
from polycloud.estate.schema import Estate

_SECTIONS = {
    "data class": "data_classes",
    "model": "models",
    "team": "teams",
    "dataset": "datasets",
    "store": "stores",
    "workload": "workloads",
    "link": "links",
    "role": "roles",
    "encryption key": "encryption_keys",
    "commitment": "commitments",
    "secret": "secrets",
}


class Reference(NamedTuple):
    """``text`` at ``path`` must be the name of a ``to`` (a site, a model, a data class …)."""

    to: str
    text: str
    path: KeyPath


def check_references(data: Mapping[str, object], catalog: Catalog, findings: Findings) -> None:
    """Note every name in ``data``, the plain values of an estate, that leads nowhere."""
    known = _declared(data)
    for to, text, path in references(data):
        names = known["site" if to == "site pattern" else to]
        if to == "site pattern":
            if not any(fnmatchcase(site, text) for site in names):
                message = f"{text!r} matches no site of this estate"
                findings.error("site_unknown", path, message, suggestion(text, names))
        elif to == "secret":
            if text.startswith("secret:") and text.removeprefix("secret:") not in names:
                findings.unknown(path, "secret", text.removeprefix("secret:"), names)
        elif text not in names:
            fix = suggestion(text, names)
            if to == "site" and catalog.site(text) is not None:
                cloud, _, region = text.partition("/")
                fix = f"add {region} to clouds.{cloud}.sites, or: {fix}"
            findings.unknown(path, to, text, names, fix)


def references(data: object, annotation: object = Estate, path: KeyPath = ()) -> Iterator[Reference]:
    """All references in ``data``; a field that the schema marks can not be forgotten here."""
    annotation, to = _open(annotation)
    if isinstance(data, str):
        if get_origin(annotation) is tuple:  # one text where several may stand
            yield from references(data, get_args(annotation)[0], path)
        for target in to:
            yield Reference(target, data, path)
    elif isinstance(data, list) and get_origin(annotation) is tuple:
        inner = get_args(annotation)
        for index, item in enumerate(data):
            yield from references(
                item, inner[min(index, len(inner) - 1)] if Ellipsis not in inner else inner[0], (*path, index)
            )
    elif isinstance(data, dict) and get_origin(annotation) is dict:
        key_kind, value_kind = get_args(annotation)
        for key, item in data.items():
            yield from references(key, key_kind, (*path, key))
            yield from references(item, value_kind, (*path, key))
    elif isinstance(data, dict) and isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            key = field.alias or name
            if key in data:
                here = (*path, key)
                yield from references(data[key], field.annotation, here)
                if isinstance(data[key], str):
                    for target in _targets(field.metadata):
                        yield Reference(target, data[key], here)


def _declared(data: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """The names that each section declares, as far as it can be read."""
    found = {kind: _keys(data.get(section)) for kind, section in _SECTIONS.items()}
    sites = []
    clouds = data.get("clouds")
    for cloud, body in clouds.items() if isinstance(clouds, dict) else ():
        regions = body.get("sites") if isinstance(body, dict) else None
        sites += [f"{cloud}/{region}" for region in regions] if isinstance(regions, list) else []
    found["site"] = (*sites, *(f"onprem/{name}" for name in _keys(data.get("onprem"))))
    entry, alerts = data.get("entry"), data.get("alerts")
    found["pool"] = _keys(entry.get("pools")) if isinstance(entry, dict) else ()
    found["rotation"] = _keys(alerts.get("rotations")) if isinstance(alerts, dict) else ()
    return found


def _keys(section: object) -> tuple[str, ...]:
    return tuple(section) if isinstance(section, dict) else ()


def _open(annotation: object) -> tuple[object, tuple[str, ...]]:
    """The type without Annotated and None, and what its marks refer to."""
    to: tuple[str, ...] = ()
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation, *marks = get_args(annotation)
            to = (*to, *_targets(marks))
        elif origin in (Union, UnionType):
            annotation = next(kind for kind in get_args(annotation) if kind is not type(None))
        else:
            return annotation, to


def _targets(marks: Iterable[object]) -> tuple[str, ...]:
    return tuple(mark.to for mark in marks if isinstance(mark, Refers))
