"""The output folder: whole or not at all, never over a person's edit, what is not ours carried over."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from polycloud.core.errors import Conflict
from polycloud.deploy import files
from polycloud.deploy.files import Manifest, compare, digest, edited, manifest, write

ONE = {"terraform/aws/main.tf": "a\n", "k8s/base/app.yaml": "b\n"}


def record(given: dict[str, str]) -> Manifest:
    return Manifest(
        "northwind", {path: digest(text) for path, text in given.items()}, {"aws/us-east-1": "10.16.0.0/16"}
    )


def test_a_first_render_writes_everything(tmp_path: Path) -> None:
    out = tmp_path / "out"
    found = write(out, ONE, record(ONE))
    assert found.added == ("k8s/base/app.yaml", "terraform/aws/main.tf")
    assert (out / "terraform/aws/main.tf").read_text() == "a\n"
    assert (kept := manifest(out)) is not None
    assert kept.networks == {"aws/us-east-1": "10.16.0.0/16"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_next_render_says_what_changes_and_carries_working_files_over(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, ONE, record(ONE))
    (out / "terraform/aws/.terraform/modules").mkdir(parents=True)
    (out / "terraform/aws/.terraform/modules/x").write_text("kept")
    (out / "terraform/aws/terraform.tfstate").write_text("{}")
    two = {"terraform/aws/main.tf": "changed\n", "new.tf": "n\n"}
    assert compare(out, two).changed == ("terraform/aws/main.tf",)
    found = write(out, two, record(two))
    assert (found.added, found.changed, found.removed) == (
        ("new.tf",),
        ("terraform/aws/main.tf",),
        ("k8s/base/app.yaml",),
    )
    assert not (out / "k8s").exists()
    assert (out / "terraform/aws/.terraform/modules/x").read_text() == "kept"
    assert (out / "terraform/aws/terraform.tfstate").read_text() == "{}"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_edit_by_hand_is_never_lost_unless_forced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, ONE, record(ONE))
    (out / "k8s/base/app.yaml").write_text("mine\n")
    assert edited(out) == ("k8s/base/app.yaml",)
    with pytest.raises(Conflict, match=r"app\.yaml.*--force"):
        write(out, ONE, record(ONE))
    assert (out / "k8s/base/app.yaml").read_text() == "mine\n"
    write(out, ONE, record(ONE), force=True)
    assert (out / "k8s/base/app.yaml").read_text() == "b\n"


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(Conflict, match="not empty"):
        write(tmp_path, ONE, record(ONE), force=True)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_failure_on_the_way_leaves_the_old_render_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, ONE, record(ONE))
    broken = {"a": "x\n", "a/b": "a file can not hold a file\n"}
    with pytest.raises(Conflict, match=r"nothing was written, and .*/out is as it was: .*/a'"):
        write(out, broken, record(broken))
    assert (out / "terraform/aws/main.tf").read_text() == "a\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_kill_between_the_two_renames_is_healed_by_the_next_render(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    write(out, ONE, record(ONE))

    def killed(folder: Path, fresh: Path) -> None:
        folder.rename(fresh.with_name(fresh.name + "-old"))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(files, "_swap", killed)
        with pytest.raises(KeyboardInterrupt):
            write(out, {"new.tf": "n\n"}, record({"new.tf": "n\n"}))
    assert not out.exists()
    assert compare(out, ONE).same == 2
    assert (out / "terraform/aws/main.tf").read_text() == "a\n"


def test_what_no_render_wrote_is_carried_over(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, ONE, record(ONE))
    (out / ".git/refs/empty").mkdir(parents=True)
    (out / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (out / "k8s/base/NOTES.md").write_text("mine")
    (out / "latest").symlink_to("k8s")
    two = {"terraform/aws/main.tf": "changed\n"}
    write(out, two, record(two))
    write(out, two, record(two))
    assert (out / ".git/HEAD").read_text() == "ref: refs/heads/main\n"
    assert (out / ".git/refs/empty").is_dir()
    assert (out / "k8s/base/NOTES.md").read_text() == "mine"
    assert (out / "latest").readlink() == Path("k8s")
    assert not (out / "k8s/base/app.yaml").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("wanted", ["k8s/base", "notes", "notes/x/y"])
def test_somebody_elses_file_is_not_written_over(tmp_path: Path, wanted: str) -> None:
    out = tmp_path / "out"
    write(out, ONE, record(ONE))
    (out / "notes").write_text("mine")
    (out / "k8s/base/own.yaml").write_text("mine")
    two = {wanted: "new\n"}
    with pytest.raises(Conflict, match="is not of a render"):
        write(out, two, record(two))
    assert (out / "notes").read_text() == "mine"
    assert (out / "terraform/aws/main.tf").read_text() == "a\n"
    write(out, two, record(two), force=True)
    assert (out / wanted).read_text() == "new\n"


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    for given in (ONE, {"new.tf": "n\n"}):
        write(tmp_path / "out", given, record(given))
    assert (tmp_path / "out").is_symlink()
    assert sorted(path.name for path in (tmp_path / "real").iterdir()) == ["new.tf", files.MANIFEST]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "real"]


def test_what_a_kill_left_beside_the_target_is_removed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, ONE, record(ONE))
    (tmp_path / f".out{files.BESIDE}abc{files.ASIDE}").mkdir()
    (tmp_path / f".out{files.BESIDE}def").mkdir()
    (tmp_path / ".out-mine").mkdir()
    write(out, ONE, record(ONE))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out-mine", "out"]


def test_a_broken_manifest_is_named(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, ONE, record(ONE))
    (out / files.MANIFEST).write_text("{")
    with pytest.raises(Conflict, match="broken"):
        compare(out, ONE)


def test_what_was_closed_to_others_stays_closed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, ONE, record(ONE))
    (out / "mine/keys").mkdir(parents=True)
    (out / "mine/keys/private").write_text("k")
    (out / "mine").chmod(0o700)
    (out / "mine/keys").chmod(0o711)
    (out / "terraform/aws").chmod(0o770)
    write(out, ONE, record(ONE))
    modes = [oct((out / path).stat().st_mode & 0o777) for path in ("mine", "mine/keys", "terraform/aws")]
    assert modes == ["0o700", "0o711", "0o770"]
    assert (out / "mine/keys/private").read_text() == "k"


@pytest.mark.parametrize("here", ["out", "out/terraform"])
def test_the_folder_where_one_stands_is_not_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: str
) -> None:
    out = tmp_path / "out"
    write(out, ONE, record(ONE))
    monkeypatch.chdir(tmp_path / here)
    with pytest.raises(Conflict, match="is where you stand"):
        write(out, ONE, record(ONE))
    assert Path.cwd() == tmp_path / here


def test_what_this_user_may_not_change_is_told_before_anything_is_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    write(out, ONE, record(ONE))
    (out / "terraform/aws/.terraform").mkdir()
    closed = out / "terraform/aws/.terraform"
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != closed and may(path, mode))  # root may all
    with pytest.raises(Conflict, match=r"\.terraform can not be carried over"):
        write(out, ONE, record(ONE))
    monkeypatch.setattr(Path, "is_mount", lambda path: path == out)
    with pytest.raises(Conflict, match="is a mount point"):
        write(out, ONE, record(ONE))
    assert closed.is_dir() and [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_look_waits_for_a_render_that_is_swapping(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, ONE, record(ONE))
    fresh = tmp_path / f".out{files.BESIDE}abc"
    out.rename(aside := fresh.with_name(fresh.name + files.ASIDE))
    fresh.mkdir()
    with ThreadPoolExecutor(1) as beside:
        with files._alone(tmp_path):
            looked = beside.submit(manifest, out)
            with pytest.raises(TimeoutError):
                looked.result(0.2)
            fresh.rename(out)  # what a look would have taken away from under it
        assert looked.result() is None
    assert aside.is_dir()


def test_a_link_in_a_circle_and_a_manifest_with_odd_names_are_told(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(OSError, match="symbolic links"):
        manifest(tmp_path / "circle")
    out = tmp_path / "out"
    write(out, ONE, Manifest("northwind", {"a\0b": "0"}))
    assert edited(out) == ("a\0b",)
