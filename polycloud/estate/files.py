"""Which files make up an estate: the main file, what it includes, and the environment's layer."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from polycloud.core.diagnostics import Diagnostic, Place
from polycloud.estate.layers import overlay, unite
from polycloud.estate.paths import suggestion
from polycloud.estate.source import MAX_FILE_BYTES, Mapping, Mark, Scalar, Sequence, read

MAX_INCLUDES = 64  # a folder of parts is read by people; more is a generator gone wrong
_ENVIRONMENT = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass
class Sources:
    """What was read: the merged tree (None when the main file has none), findings, and every file in order."""

    tree: Mapping | None = None
    found: list[Diagnostic] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)


def gather(path: Path, env: str | None) -> Sources:
    """Read the estate at ``path`` with its includes, and ``NAME.<env>.yaml`` beside it as a layer."""
    sources = Sources()
    sources.tree = _with_includes(path, sources)
    if env is None:
        return sources
    start = Mark(str(path), 1, 1).place()
    layers = _environments(path)
    if not _ENVIRONMENT.fullmatch(env) or env not in layers:
        message = f"there is no layer for the environment {env!r}: {path.stem}.{env}{path.suffix} is not beside it"
        sources.found.append(Diagnostic("error", "layer_missing", message, start, suggestion(env, layers)))
        return sources
    layer = _with_includes(layers[env], sources)
    if sources.tree is not None and layer is not None:
        sources.tree = overlay(sources.tree, layer, sources.found)
    return sources


def _environments(path: Path) -> dict[str, Path]:
    """The layers that lie beside ``path``, by environment."""
    start, end = path.stem + ".", path.suffix
    try:
        names = [child.name for child in path.parent.iterdir() if child.name != path.name]
    except OSError:
        return {}
    found = [name for name in names if name.startswith(start) and name.endswith(end)]
    return {name[len(start) : -len(end)]: path.parent / name for name in found if len(name) > len(start) + len(end)}


def _with_includes(path: Path, sources: Sources) -> Mapping | None:
    tree = _read(path, Mark(str(path), 1, 1).place(), sources)
    if tree is None:
        return None
    entry = tree.entries.get("include")
    if entry is None:
        return tree
    rest = {key: value for key, value in tree.entries.items() if key != "include"}
    tree = Mapping(rest, tree.mark)
    node = entry.node
    items = node.items if isinstance(node, Sequence) else (node,)
    if len(items) > MAX_INCLUDES:
        message = f"{len(items)} files are included; at most {MAX_INCLUDES} may be"
        sources.found.append(
            Diagnostic("error", "include_refused", message, entry.key.place(("include",)), "join some")
        )
        return tree
    for index, item in enumerate(items):
        part = _included(path, item, index, sources)
        if part is not None:
            tree = unite(tree, part, sources.found)
    return tree


def _included(path: Path, item: object, index: int, sources: Sources) -> Mapping | None:
    mark = item.mark if isinstance(item, Scalar | Sequence | Mapping) else Mark(str(path), 1, 1)
    place = mark.place(("include", index))

    def refuse(message: str, fix: str) -> None:
        sources.found.append(Diagnostic("error", "include_refused", message, place, fix))

    if not isinstance(item, Scalar) or not isinstance(item.value, str):
        refuse("an include is the name of a file", "write it as in: include: [models.yaml]")
        return None
    folder, target = path.parent, path.parent / item.value
    real = _real(target)
    if real is None or not real.is_relative_to(folder.resolve()):
        refuse(f"{item.value!r} lies outside the estate's folder", "include files of this folder or below it")
        return None
    if real in {_real(known) for known in sources.files}:
        refuse(f"{item.value!r} is part of the estate already", "include each file once")
        return None
    part = _read(target, place, sources)
    if part is not None and "include" in part.entries:
        again = part.entries["include"].key.place(("include",))
        message = "an included file includes nothing itself"
        fix = f"list the file in {path.name}"
        sources.found.append(Diagnostic("error", "include_refused", message, again, fix))
        part = Mapping({key: value for key, value in part.entries.items() if key != "include"}, part.mark)
    return part


def _real(path: Path) -> Path | None:
    """Where a path really leads, links followed; None when it can lead nowhere (a loop, a control character)."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        return None


def _read(path: Path, place: Place, sources: Sources) -> Mapping | None:
    """The tree of one file; what keeps it from being read is a finding at the place that asked for it."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a file name"
        message = f"{path} can not be read: {reason}"
        sources.found.append(Diagnostic("error", "file_unreadable", message, place, "give the path of an estate file"))
        return None
    if len(data) > MAX_FILE_BYTES:
        message = f"{path} has more than {MAX_FILE_BYTES:,} bytes"
        sources.found.append(Diagnostic("error", "file_too_large", message, place, "split the estate by include:"))
        return None
    sources.files.append(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        at = Mark(str(path), line, error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1)
        message = f"byte 0x{data[error.start]:02x} is not UTF-8"
        sources.found.append(Diagnostic("error", "yaml_syntax", message, at.place(), "save the file as UTF-8"))
        return None
    tree, found = read(text, str(path))
    sources.found.extend(found)
    return tree
