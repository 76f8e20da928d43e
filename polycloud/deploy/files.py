"""The output folder: written whole or not at all, and never over what a person has changed by hand.

A render writes into a temporary folder beside the target and swaps the two; a kill between the two renames leaves
the old folder under a name that the next look at the target finds and puts back. ``polycloud-render.json`` in it lists
every file with its digest, so that the next render knows its own files, and what must not move (networks).
Whatever no render wrote (a repository, Terraform's state and variables, notes) is carried over as it is.
"""

import fcntl
import glob
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from polycloud.core.errors import Conflict

MANIFEST = "polycloud-render.json"
BESIDE = "-polycloud-"  # in the names of what stands beside the target for the time of a render
ASIDE = "-old"


class Lasting(msgspec.Struct, frozen=True):
    """Something that holds data or that much stands on. ``called``: the text by which its cloud knows it, or ""."""

    source: str
    site: str
    called: str


class Manifest(msgspec.Struct, frozen=True):
    """What the last render wrote. ``costs`` are micro-USD a month by resource, and ``digests`` are of the texts of
    resources, for the difference to the next; ``lasting`` is what must not be made anew by accident, by resource;
    ``accounts`` are those that it was for, by cloud."""

    estate: str
    files: dict[str, str]
    networks: dict[str, str] = {}
    costs: dict[str, int | None] = {}
    lasting: dict[str, Lasting] = {}
    digests: dict[str, str] = {}
    accounts: dict[str, dict[str, str]] = {}


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
    folder = _followed(folder)
    if _aside(folder) and not folder.exists():
        with _alone(folder.parent):  # by a kill, unless a render is just swapping
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
    """Makes ``folder`` hold ``files``, the manifest, and what is there that no render wrote.

    Raises Conflict when the folder is no render's or can not be swapped; and, unless ``force``, when files of the last
    one were edited, or a new one would be written over a file of somebody else. A failure (Conflict too) or a kill on
    the way leaves the old folder as it was; only the two renames at the end touch it. One render at a time writes
    beside its like; others wait.
    """
    folder = _followed(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder.parent):
        _heal(folder)
        before = manifest(folder)
        if folder.exists() and before is None and any(folder.iterdir()):
            raise Conflict(f"{folder} is not empty and no render of polycloud: name another folder")
        _can_be_swapped(folder)
        foreign = _foreign(folder, before)
        if not force:
            _untouched(folder, files, foreign)
        found = compare(folder, files)
        try:
            _replace(folder, files, new, foreign)
        except OSError as error:
            raise Conflict(f"nothing was written, and {folder} is as it was: {error}") from error
    return found


def _replace(folder: Path, files: Mapping[str, str], new: Manifest, foreign: tuple[str, ...]) -> None:
    """Makes the new folder beside the old one, and swaps them. A failure leaves the old one."""
    for left in _beside(folder):  # by a kill, since nobody else writes now
        shutil.rmtree(left)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}{BESIDE}", dir=folder.parent))
    try:
        for path, text in files.items():
            target = fresh / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf8")
        (fresh / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(new, order="sorted"), indent=2))
        in_the_way = _in_the_way(folder, files, foreign)
        for path in foreign:
            if path not in in_the_way:
                _carry(folder / path, fresh / path)
        fresh.chmod(0o755)
        for at, _, _ in os.walk(fresh):  # a folder that was closed to others stays closed
            old = folder / Path(at).relative_to(fresh)
            if old.is_dir() and not old.is_symlink():
                shutil.copymode(old, at)
        _swap(folder, fresh)
    finally:
        if fresh.exists():
            shutil.rmtree(fresh)


def _followed(folder: Path) -> Path:
    """Where a link leads: it is followed, never replaced."""
    return Path(os.path.realpath(folder))


def _can_be_swapped(folder: Path) -> None:
    """Raises Conflict for a folder that can not be put aside whole with all that is in it."""
    if Path.cwd().is_relative_to(folder):
        raise Conflict(f"{folder} is where you stand, and is swapped whole: go above it, and name it from there")
    if folder.is_mount():
        raise Conflict(f"{folder} is a mount point, which can not be swapped: name a folder in it")
    for at, folders, _ in os.walk(folder):
        for path in (Path(at, name) for name in (".", *folders)):
            if not path.is_symlink() and not os.access(path, os.R_OK | os.W_OK | os.X_OK):
                raise Conflict(f"{path} can not be carried over, nothing was written: this user may not change it")


@contextmanager
def _alone(parent: Path) -> Iterator[None]:
    """Holds the lock of a folder, without a file that would stay in it."""
    held = os.open(parent, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _untouched(folder: Path, files: Mapping[str, str], foreign: tuple[str, ...]) -> None:
    by_hand = edited(folder)
    if by_hand:
        raise Conflict(
            f"{_some(by_hand)} in {folder} changed since the last render: "
            "move the change into the estate, or write over it with --force"
        )
    in_the_way = _in_the_way(folder, files, foreign)
    if in_the_way:
        raise Conflict(
            f"{_some(in_the_way)} in {folder} is not of a render, and this one would write there: "
            "move it away, or write over it with --force"
        )


def _in_the_way(folder: Path, files: Mapping[str, str], foreign: tuple[str, ...]) -> tuple[str, ...]:
    """What can not stand beside the new files: it is where one of them, or a folder of theirs, will be."""
    parents = {str(parent) for path in files for parent in Path(path).parents}
    return tuple(
        path
        for path in foreign
        if path in files
        or (path in parents and ((folder / path).is_symlink() or (folder / path).is_file()))
        or any(str(parent) in files for parent in Path(path).parents)
    )


def _some(paths: tuple[str, ...]) -> str:
    return f"{', '.join(paths[:5])}{' …' if len(paths) > 5 else ''}"


def _foreign(folder: Path, before: Manifest | None) -> tuple[str, ...]:
    """What the last render did not write: files, links, and folders that hold nothing."""
    ours = {MANIFEST, *(before.files if before is not None else ())}
    found = []
    for at, folders, names in os.walk(folder):
        here = Path(at)
        links = [name for name in folders if (here / name).is_symlink()]
        paths = [str((here / name).relative_to(folder)) for name in (*names, *links)]
        if not (names or folders) and here != folder:
            paths = [str(here.relative_to(folder))]
        found += [path for path in paths if path not in ours]
    return tuple(sorted(found))


def _carry(old: Path, new: Path) -> None:
    """The same thing in the new folder: a second name for a file, so that state and history are never half copied."""
    new.parent.mkdir(parents=True, exist_ok=True)
    if old.is_dir() and not old.is_symlink():
        new.mkdir(exist_ok=True)
        return
    try:
        os.link(old, new, follow_symlinks=False)
    except OSError:  # a file system without hard links
        shutil.copy2(old, new, follow_symlinks=False)


def _beside(folder: Path) -> list[Path]:
    """What an earlier render that was killed has left beside the target."""
    return sorted(folder.parent.glob(f".{glob.escape(folder.name)}{BESIDE}*"))


def _aside(folder: Path) -> list[Path]:
    return [path for path in _beside(folder) if path.name.endswith(ASIDE)]


def _heal(folder: Path) -> None:
    """Puts back what a kill between the two renames left aside."""
    left = _aside(folder)
    if left and not folder.exists():
        left[-1].rename(folder)


def _swap(folder: Path, fresh: Path) -> None:
    if not folder.exists():
        fresh.rename(folder)
        return
    aside = fresh.with_name(fresh.name + ASIDE)
    folder.rename(aside)
    try:
        fresh.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)  # the swap is done; the next render tries again


def _digest_of(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError):  # ValueError: a path with a NUL, which no file has
        return ""
