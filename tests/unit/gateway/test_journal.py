"""The journal: order, chain, and what happens when the disk does not take it."""

import asyncio
import errno
import hashlib
import os
import threading
from pathlib import Path

import msgspec
import pytest

from polycloud.core.usage import DecisionRecord
from polycloud.gateway import journal
from polycloud.gateway.journal import Journal


def record(name: str) -> DecisionRecord:
    return DecisionRecord(name, 1, "k", "t", "m", "r", (), "p", 0, "d", ())


def names(path) -> list[str]:
    """What one file holds, after checking its chain; a torn last line is left out."""
    *lines, _ = path.read_bytes().split(b"\n")
    head, found = b"0" * 64, []
    for line in lines:
        row = msgspec.json.decode(line)
        assert row["h"].encode() == head
        head = hashlib.sha256(line).hexdigest().encode()
        found.append(row["r"]["request"])
    return found


class Disk:
    """``os.write`` as a disk that takes only so many bytes."""

    def __init__(self, monkeypatch) -> None:
        self.room = 1 << 40
        self.writes = 0
        self._write = os.write
        monkeypatch.setattr(journal.os, "write", self.write)

    def write(self, fd: int, data: bytes) -> int:
        self.writes += 1
        if self.room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = self._write(fd, data[: self.room])
        self.room -= taken
        return taken


@pytest.fixture
def disk(monkeypatch):
    monkeypatch.setattr(journal, "RETRY_SECONDS", 0.01)
    return Disk(monkeypatch)


def run(tmp_path, test):
    async def body():
        kept = Journal(tmp_path, "w", asyncio.get_running_loop())
        await test(kept)
        kept.close()

    asyncio.run(body())


async def flushed():
    """The turn of the loop in which a record was added, and the next."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def until(check):
    async with asyncio.timeout(5):
        while not check():
            await asyncio.sleep(0.005)


def test_two_turns_are_one_write_and_what_waits_runs_after_it(tmp_path, disk):
    async def body(kept):
        seen = []
        for name in "abc":
            kept.add(record(name))
            kept.then(lambda name=name: seen.append((name, names(kept.path), disk.writes)))
        await asyncio.sleep(0)
        assert seen == [] and disk.writes == 0
        kept.add(record("d"))
        await asyncio.sleep(0)
        assert seen == [(name, ["a", "b", "c", "d"], 1) for name in "abc"]

    run(tmp_path, body)


def test_an_action_may_add_and_wait_again(tmp_path):
    async def body(kept):
        seen = []

        def first():
            kept.add(record("b"))
            kept.then(lambda: seen.append(names(kept.path)))

        kept.add(record("a"))
        kept.then(first)
        await asyncio.sleep(0.01)
        assert seen == [["a", "b"]]

    run(tmp_path, body)


def test_an_action_that_fails_takes_no_other_with_it(tmp_path):
    async def body(kept):
        errors, seen = [], []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: errors.append(context["exception"]))
        for name in "ab":
            kept.then(lambda name=name: seen.append(name))
            kept.then(lambda: 1 / 0)
        kept.then(lambda: seen.append("c"))
        await asyncio.sleep(0.01)
        assert seen == ["a", "b", "c"] and [type(e) for e in errors] == [ZeroDivisionError] * 2

    run(tmp_path, body)


@pytest.mark.parametrize("room", [0, 1, 50, 300, 700])
def test_a_write_cut_anywhere_leaves_a_valid_chain_once_there_is_room(tmp_path, disk, room):
    async def body(kept):
        seen = []
        disk.room = room
        for number in range(12):
            kept.add(record(f"r{number}"))
            kept.then(lambda number=number: seen.append(number))
            await asyncio.sleep(0.003)
        assert seen == list(range(12))  # the answers go out
        assert kept.failure and len(names(kept.path)) < 12
        disk.room = 1 << 40
        await until(lambda: not kept.failure)
        assert names(kept.path) == [f"r{n}" for n in range(12)]
        kept.add(record("after"))
        await flushed()
        assert names(kept.path)[-1] == "after" and not kept.overfull

    run(tmp_path, body)


def test_a_full_disk_is_tried_now_and_then_and_not_for_every_request(tmp_path, disk, monkeypatch):
    monkeypatch.setattr(journal, "RETRY_SECONDS", 60.0)

    async def body(kept):
        disk.room = 0
        for number in range(50):
            kept.add(record(f"r{number}"))
            await flushed()
        assert disk.writes == 1
        disk.room = 1 << 40

    run(tmp_path, body)
    assert len(names(next(tmp_path.glob("*.jsonl")))) == 50  # closing tries once more


def test_too_much_in_memory_says_so_at_once(tmp_path, disk, monkeypatch):
    monkeypatch.setattr(journal, "BACKLOG_BYTES_MAX", 2000)
    monkeypatch.setattr(journal, "RETRY_SECONDS", 60.0)

    async def body(kept):
        disk.room = 0
        kept.add(record("first"))
        await flushed()
        assert not kept.overfull and "No space left" in kept.failure
        for number in range(20):
            kept.add(record(f"r{number}"))
        assert kept.overfull
        disk.room = 1 << 40

    run(tmp_path, body)


def test_a_full_file_is_followed_by_the_next_with_a_chain_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "ROTATE_BYTES", 500)

    async def body(kept):
        for number in range(9):
            kept.add(record(f"r{number}"))
            await flushed()

    run(tmp_path, body)
    files = sorted(tmp_path.glob("*.jsonl"))
    assert [f.name for f in files][:2] == ["w-000000.jsonl", "w-000001.jsonl"] and len(files) > 3
    assert [name for file in files for name in names(file)] == [f"r{n}" for n in range(9)]


def test_without_a_next_file_the_old_one_grows_on_and_none_is_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "ROTATE_BYTES", 500)

    async def body(kept):
        opened = os.open
        descriptor = kept._fd

        def refuse(*args, **kwargs):
            raise OSError(errno.EMFILE, "Too many open files")

        monkeypatch.setattr(journal.os, "open", refuse)
        for number in range(5):
            kept.add(record(f"r{number}"))
            kept.then(lambda: None)
            await flushed()
        assert kept._fd == descriptor and names(kept.path) == [f"r{n}" for n in range(5)]
        monkeypatch.setattr(journal.os, "open", opened)
        for number in range(5, 7):
            kept.add(record(f"r{number}"))
            await flushed()

    run(tmp_path, body)
    files = sorted(tmp_path.glob("*.jsonl"))
    assert len(files) > 1 and [name for file in files for name in names(file)] == [f"r{n}" for n in range(7)]


def test_a_file_that_somebody_deleted_is_followed_by_another_within_a_second(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "SYNC_SECONDS", 0.002)

    async def body(kept):
        kept.add(record("before"))
        await flushed()
        kept.path.unlink()
        for number in range(100):  # what comes before the next look goes with the file
            if kept.path.exists():
                break
            kept.add(record(f"r{number}"))
            await asyncio.sleep(0.005)
        kept.add(record("after"))
        await flushed()
        assert kept.path.name == "w-000001.jsonl" and names(kept.path) == ["after"]

    run(tmp_path, body)


def test_a_name_is_never_written_by_two(tmp_path):
    async def body(kept):
        with pytest.raises(FileExistsError):
            Journal(tmp_path, "w", asyncio.get_running_loop())

    run(tmp_path, body)


def test_closing_writes_what_waits_and_answers(tmp_path):
    seen = []

    async def body(kept):
        kept.add(record("a"))
        kept.then(lambda: seen.append(1))

    run(tmp_path, body)
    assert names(next(tmp_path.glob("*.jsonl"))) == ["a"] and seen == [1]


def test_a_disk_that_hangs_holds_two_descriptors_and_no_answer(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "SYNC_SECONDS", 0.002)
    free, synced = threading.Event(), []

    def hang(fd):
        free.wait(10)
        synced.append(os.fstat(fd).st_ino)

    monkeypatch.setattr(journal.os, "fdatasync", hang)

    async def body(kept):
        seen = []
        before = descriptors()
        for number in range(20):
            kept.add(record(f"r{number}"))
            kept.then(lambda number=number: seen.append(number))
            await asyncio.sleep(0.005)
        assert seen == list(range(20)) and not synced
        assert descriptors() <= before + 2
        free.set()
        await until(lambda: synced)
        assert set(synced) == {kept.path.stat().st_ino}

    others = set(threading.enumerate())
    run(tmp_path, body)
    for thread in set(threading.enumerate()) - others:
        thread.join(5)
        assert not thread.is_alive()


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
