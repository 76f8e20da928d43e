"""One tree out of several files: included files add sections, an environment's layer changes values.

Files that are included may not say the same thing twice: splitting never overrides. A layer does:
maps merge, lists and values are replaced, ``null`` removes.
"""

from polycloud.core.diagnostics import Diagnostic
from polycloud.estate.paths import KeyPath, path_text, suggestion
from polycloud.estate.source import Entry, Mapping, Scalar


def unite(first: Mapping, second: Mapping, found: list[Diagnostic], path: KeyPath = ()) -> Mapping:
    """Both maps in one; a value that both hold is a finding, noted in ``found``."""
    entries = dict(first.entries)
    for key, entry in second.entries.items():
        here = (*path, key)
        known = entries.get(key)
        if known is None:
            entries[key] = entry
        elif isinstance(known.node, Mapping) and isinstance(entry.node, Mapping):
            entries[key] = Entry(known.key, unite(known.node, entry.node, found, here))
        else:
            message = f"{path_text(here)} is already set at {known.key.place()}"
            found.append(
                Diagnostic(
                    "error", "key_duplicate", message, entry.key.place(here), "keep one, or use a layer to override"
                )
            )
    return Mapping(entries, first.mark)


def overlay(base: Mapping, layer: Mapping, found: list[Diagnostic], path: KeyPath = ()) -> Mapping:
    """``base`` with the changes of ``layer``; a removal that removes nothing is a finding."""
    entries = dict(base.entries)
    for key, entry in layer.entries.items():
        here = (*path, key)
        known = entries.get(key)
        if isinstance(entry.node, Scalar) and entry.node.value is None:
            if known is None:
                found.append(
                    Diagnostic(
                        "error",
                        "layer_removes_nothing",
                        f"null removes {path_text(here)}, which is not there",
                        entry.key.place(here),
                        suggestion(key, base.entries),
                    )
                )
            entries.pop(key, None)
        elif known is not None and isinstance(known.node, Mapping) and isinstance(entry.node, Mapping):
            entries[key] = Entry(known.key, overlay(known.node, entry.node, found, here))
        else:
            entries[key] = entry
    return Mapping(entries, base.mark)
