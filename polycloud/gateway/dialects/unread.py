"""What a caller's body holds and its reader does not: told by the reader's own structs, so that the two agree.

A body that passes through keeps everything. One that is written anew in another format keeps what the wire structs
name; the rest is named here, by its path without places in lists: ``messages.content.title``.
"""

from functools import lru_cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from polycloud.gateway.dialects.reading import mistake

_DECODER = msgspec.json.Decoder()
_INNER = (dict, list)


def unread(
    body: type[msgspec.Struct], fields: dict[str, msgspec.Raw], neutral: dict[str, object] | None = None
) -> tuple[str, ...]:
    """Names of members of ``fields`` that ``body`` does not know, below its top. Null and empty ones say nothing,
    nor do those that ``neutral`` has by path with their very value. Raises BadRequest for what is nested too deeply."""
    names: dict[str, None] = {}
    known = _known(body)
    for field, raw in fields.items():
        kind = known.get(field)
        if kind is not None:
            try:
                value = _DECODER.decode(raw)
            except RecursionError as error:
                raise mistake(error) from error
            _see(value, kind, field, names, neutral or {})
    return tuple(names)


def _see(
    value: object, kind: type[msgspec.Struct], at: str, names: dict[str, None], neutral: dict[str, object]
) -> None:
    known = _known(kind)
    for one in value if isinstance(value, list) else (value,):
        if not isinstance(one, dict):
            continue
        for name, member in one.items():
            if name not in known:
                path = f"{at}.{name}"
                if member not in (None, [], {}) and neutral.get(path) != member:
                    names[path] = None
            elif type(member) in _INNER and (inner := known[name]) is not None:
                _see(member, inner, f"{at}.{name}", names, neutral)


@lru_cache(128)
def _known(kind: type[msgspec.Struct]) -> dict[str, type[msgspec.Struct] | None]:
    """The members of a struct, and the struct that stands in each."""
    return {name: _struct(hint) for name, hint in get_type_hints(kind).items() if name in kind.__struct_fields__}


def _struct(hint: Any) -> type[msgspec.Struct] | None:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint
    if get_origin(hint) in (list, Union, UnionType):
        return next((found for one in get_args(hint) if (found := _struct(one)) is not None), None)
    return None
