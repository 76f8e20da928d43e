"""What any store must do with keys and with the overlay."""

import threading

import pytest

from polycloud.core.errors import Conflict
from polycloud.core.ports.state import NewKey, NoSuchKey
from polycloud.policy.overlay import Steer
from polycloud.store import Store
from polycloud.store.keys import digest

NOW = 1_800_000_000_000
DAY = 86_400_000


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path / "state.db")
    yield opened
    opened.close()


def test_a_key_is_shown_once_and_kept_as_a_digest(store, tmp_path):
    row, plaintext = store.keys.create(NewKey(team="search", name="web", models=("gpt-*",), classes=("eu",)), NOW)
    assert plaintext.startswith("pk-")
    assert row.digest == digest(plaintext)
    assert store.keys.all() == [row]
    store.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert plaintext.encode() not in kept
    assert row.digest in kept


def test_versions_grow_with_every_change_and_revoked_keys_are_not_in_force(store):
    first, _ = store.keys.create(NewKey(team="a"), NOW)
    second, _ = store.keys.create(NewKey(team="b", expires_ms=NOW + DAY), NOW)
    version, rows = store.keys.in_force(NOW)
    assert {row.id for row in rows} == {first.id, second.id}
    revoked = store.keys.revoke(first.id, NOW + 1)
    assert revoked.revoked_ms == NOW + 1
    after, rows = store.keys.in_force(NOW + 1)
    assert after > version
    assert [row.id for row in rows] == [second.id]
    assert store.keys.revoke(first.id, NOW + 9).revoked_ms == NOW + 1  # a second revocation changes nothing
    assert store.keys.in_force(NOW + DAY)[1] == []
    assert store.keys.touch() > after


def test_an_unknown_key_is_named_in_the_error(store):
    with pytest.raises(NoSuchKey, match="key-nope"):
        store.keys.revoke("key-nope", NOW)


def test_rotation_keeps_rights_and_lifetime_and_lets_the_old_key_overlap(store):
    old, _ = store.keys.create(
        NewKey(team="a", models=("m",), classes=("c",), requests_per_minute=7, region="DE", expires_ms=NOW + 10 * DAY),
        NOW,
    )
    new, plaintext = store.keys.rotate(old.id, overlap_ms=DAY, now_ms=NOW + 2 * DAY)
    assert digest(plaintext) == new.digest != old.digest
    assert (new.team, new.models, new.classes, new.requests_per_minute, new.region) == ("a", ("m",), ("c",), 7, "DE")
    assert new.expires_ms == NOW + 12 * DAY
    kept = next(row for row in store.keys.all() if row.id == old.id)
    assert (kept.expires_ms, kept.replaced_by) == (NOW + 3 * DAY, new.id)
    assert [row.id for row in store.keys.expiring(NOW + 4 * DAY, NOW + 2 * DAY)] == [old.id]
    with pytest.raises(Conflict, match="already replaced"):
        store.keys.rotate(old.id, 0, NOW + 2 * DAY)
    with pytest.raises(Conflict, match="no longer in force"):
        store.keys.rotate(old.id, 0, NOW + 3 * DAY)


def test_the_overlay_keeps_entries_history_and_version(store):
    assert store.overlay.read().version == 0
    drained = store.overlay.change("site", "aws/us-east-1", Steer("draining", None, "patching", "ops"), NOW, 0)
    assert drained.version == 1
    assert drained.sites["aws/us-east-1"] == Steer("draining", None, "patching", "ops")
    shared = store.overlay.change("deployment", "aws/us-east-1/m", Steer("serving", 40.0), NOW + 1)
    assert shared.deployments == {"aws/us-east-1/m": Steer("serving", 40.0)}
    back = store.overlay.change("site", "aws/us-east-1", Steer("serving", None, "done"), NOW + 2, 2)
    assert back.version == 3
    assert back.sites == {}
    assert store.overlay.read() == back
    history = store.overlay.history(10)
    assert [(c.version, c.target, c.steer.state) for c in history] == [
        (3, "aws/us-east-1", "serving"),
        (2, "aws/us-east-1/m", "serving"),
        (1, "aws/us-east-1", "draining"),
    ]


def test_a_change_based_on_an_old_overlay_is_refused_and_changes_nothing(store):
    store.overlay.change("site", "a/b", Steer("failed"), NOW)
    with pytest.raises(Conflict, match="version 1, not 0"):
        store.overlay.change("site", "a/b", Steer("draining"), NOW, expect_version=0)
    assert store.overlay.read().sites["a/b"].state == "failed"
    assert store.overlay.read().version == 1


def test_of_many_writers_with_one_expectation_exactly_one_wins(store):
    won, lost = [], []

    def race(name):
        try:
            won.append(store.overlay.change("site", name, Steer("draining"), NOW, expect_version=0).version)
        except Conflict:
            lost.append(name)

    threads = [threading.Thread(target=race, args=(f"a/{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [1]
    assert len(lost) == 7


def test_concurrent_changes_without_expectation_all_count(store):
    def add(name):
        for share in range(10):
            store.overlay.change("site", name, Steer("serving", float(share)), NOW)

    threads = [threading.Thread(target=add, args=(f"a/{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    overlay = store.overlay.read()
    assert overlay.version == 40
    assert {steer.share for steer in overlay.sites.values()} == {9.0}
    assert len({change.version for change in store.overlay.history(100)}) == 40


def test_another_process_sees_what_was_written(store):
    row, _ = store.keys.create(NewKey(team="a"), NOW)
    again = Store(store.path)
    assert again.keys.all() == [row]
    again.records.set("x", "1")
    again.records.set("x", "2")
    assert store.records.setting("x") == "2"
    assert store.records.setting("y") == ""
    again.close()


def test_estates_are_noted_once_each_time_they_come_into_force(store):
    for version in ("a", "a", "b", "a"):
        store.records.took_estate(version, "northwind", 10, NOW)
    assert [version for version, _ in store.records.estate_versions(9)] == ["a", "b", "a"]
