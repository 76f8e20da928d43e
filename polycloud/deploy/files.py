"""The output folder: written whole or not at all, and never over what a person has changed by hand.

A render writes into a temporary folder beside the target and swaps the two; a kill between the two renames leaves
the old folder under a name that the next look at the target finds and puts back. ``polycloud-render.json`` in it lists
every file with its digest, so that the next render knows its own files, and what must not move (networks).
Terraform's working files (``.terraform*``, state) belong to nobody's render: they are carried over.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from polycloud.core.errors import Conflict

MANIFEST = "polycloud-render.json"
ASIDE = "-old"
CARRIED = (".terraform", "terraform.tfstate", "terraform.tfstate.backup", ".terraform.lock.hcl", "terraform.tfvars")


class Manifest(msgspec.Struct, frozen=True):
    """What the last render wrote. ``costs`` are micro-USD a month by resource, for the difference to the next."""

    estate: str
    files: dict[str, str]
    networks: dict[str, str] = {}
    costs: dict[str, int | None] = {}


class Changed(msgspec.Struct, frozen=True):
    """Files that a render would add, change, remove or leave, by path."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    same: int


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def manifest(folder: Path) -> Manifest | None:
    """What the last render wrote there; None when there was none. Raises Conflict for a manifest that is broken."""
    _heal(folder)
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise Conflict(f"{folder / MANIFEST} is broken ({error}): remove the folder, or restore it") from error


def compare(folder: Path, files: Mapping[str, str]) -> Changed:
    """What writing ``files`` would change."""
    before = manifest(folder)
    old = before.files if before is not None else {}
    return Changed(
        added=tuple(sorted(files.keys() - old.keys())),
        changed=tuple(sorted(path for path in files.keys() & old.keys() if digest(files[path]) != old[path])),
        removed=tuple(sorted(old.keys() - files.keys())),
        same=sum(path in old and digest(text) == old[path] for path, text in files.items()),
    )


def edited(folder: Path) -> tuple[str, ...]:
    """Files of the last render that have since been changed or removed by hand."""
    before = manifest(folder)
    if before is None:
        return ()
    return tuple(sorted(path for path, was in before.files.items() if _digest_of(folder / path) != was))


def write(folder: Path, files: Mapping[str, str], new: Manifest, force: bool = False) -> Changed:
    """Makes ``folder`` hold exactly ``files``, the manifest, and what is carried over.

    Raises Conflict when the folder holds something else than a render, or files of it were edited (unless ``force``).
    A failure or a kill on the way leaves the old folder as it was; only the two renames at the end touch it.
    """
    if folder.exists() and manifest(folder) is None and any(folder.iterdir()):
        raise Conflict(f"{folder} is not empty and no render of polycloud: name another folder")
    by_hand = edited(folder)
    if by_hand and not force:
        raise Conflict(
            f"{', '.join(by_hand[:5])}{' …' if len(by_hand) > 5 else ''} in {folder} changed since the last render: "
            "move the change into the estate, or write over it with --force"
        )
    found = compare(folder, files)
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for path, text in files.items():
            target = fresh / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf8")
        (fresh / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(new, order="sorted"), indent=2))
        fresh.chmod(0o755)
        _swap(folder, fresh)
    finally:
        if fresh.exists():
            shutil.rmtree(fresh)
    return found


def _heal(folder: Path) -> None:
    if folder.exists() or not folder.parent.is_dir():
        return
    left = sorted(folder.parent.glob(f".{folder.name}-*{ASIDE}"))
    if left:
        left[-1].rename(folder)


def _swap(folder: Path, fresh: Path) -> None:
    if not folder.exists():
        fresh.rename(folder)
        return
    for kept in _carried(folder):
        target = fresh / kept.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        if kept.is_dir():
            shutil.copytree(kept, target, symlinks=True)
        else:
            shutil.copy2(kept, target)
    aside = fresh.with_name(fresh.name + ASIDE)
    folder.rename(aside)
    try:
        fresh.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
    shutil.rmtree(aside)


def _carried(folder: Path) -> list[Path]:
    found = []
    for at, folders, names in os.walk(folder):
        here = Path(at)
        found += [here / name for name in (*folders, *names) if name in CARRIED]
        folders[:] = [name for name in folders if name not in CARRIED]
    return found


def _digest_of(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
