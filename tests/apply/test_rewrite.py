"""A file that is edited is the old one or the new one, and the way back is kept."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from envtool.apply.places import UNFINISHED
from envtool.apply.rewrite import (
    Restore,
    journal_folder,
    plan_restores,
    read_entries,
    restore,
    rewrite,
)
from envtool.errors import EnvtoolError
from envtool.model.edit import Edit
from tests.apply.steps import steps
from tests.loopback import PATIENCE_S

OLD, NEW = b"old\r\n\xff", b"new\n"
DATE = "2026-11-21T08:00:00+00:00"
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and modes")


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "state" / "envtool" / "mirrors")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "home" / ".condarc"
    file.parent.mkdir()
    file.write_bytes(OLD)
    file.chmod(0o640)
    return file


def use(file: Path, folder: str, *, before: bytes | None = OLD, after: bytes = NEW) -> None:
    edit = Edit("conda", str(file), before, after)
    rewrite([edit], folder=folder, date=DATE, wished="use x")


def back(folder: str, *, is_forced: bool = False) -> list[str]:
    return restore(plan_restores(folder), folder=folder, is_forced=is_forced)


def code_of(work: Callable[[], object]) -> str:
    with pytest.raises(EnvtoolError) as caught:
        work()
    return caught.value.code


# There and back


def test_every_byte_the_mode_and_the_folder_are_as_before(file: Path, folder: str) -> None:
    use(file, folder)
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (NEW, 0o640)

    assert back(folder) == []
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (OLD, 0o640)
    assert os.listdir(file.parent) == [file.name]  # noqa: PTH208 - names
    assert read_entries(folder) == []


def test_a_file_and_folders_that_were_not_there_are_gone_again(tmp_path: Path, folder: str) -> None:
    files = [tmp_path / "c" / "uv" / "uv.toml", tmp_path / "c" / "pip" / "pip.conf"]
    edits = [Edit("uv", str(one), None, NEW) for one in files]
    rewrite(edits, folder=folder, date=DATE, wished="use x")

    for one in files:
        restore(plan_restores(folder, [str(one)]), folder=folder)

    assert not (tmp_path / "c").exists()


def test_edits_that_follow_on_each_other_are_undone_together(file: Path, folder: str) -> None:
    use(file, folder)
    use(file, folder, before=NEW, after=b"newer")

    back(folder)

    assert file.read_bytes() == OLD
    assert read_entries(folder) == []


def test_what_somebody_wrote_in_between_comes_back_first(file: Path, folder: str) -> None:
    use(file, folder)
    file.write_bytes(b"mine")
    use(file, folder, before=b"mine", after=b"newer")

    back(folder)

    assert file.read_bytes() == b"mine"
    assert code_of(lambda: back(folder)) == "ET777"
    assert file.read_bytes() == b"mine"


def test_a_changed_file_is_left_alone_or_kept_as_a_copy(file: Path, folder: str) -> None:
    use(file, folder)
    file.write_bytes(b"mine")

    assert code_of(lambda: back(folder)) == "ET777"
    assert file.read_bytes() == b"mine"
    copies = back(folder, is_forced=True)

    assert file.read_bytes() == OLD
    assert [Path(one).read_bytes() for one in copies] == [b"mine"]


def test_a_file_that_its_owner_brought_back_is_simply_forgotten(file: Path, folder: str) -> None:
    use(file, folder)
    file.write_bytes(OLD)

    assert back(folder) == []
    assert read_entries(folder) == []


def test_the_old_bytes_are_for_their_owner_only(file: Path, folder: str) -> None:
    use(file, folder)

    modes = {stat.S_IMODE(path.stat().st_mode) for path in Path(folder).iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700


def test_an_entry_says_what_was_done(file: Path, folder: str) -> None:
    use(file, folder)

    (said,) = [json.loads(path.read_text("utf-8")) for path in Path(folder).glob("*.json")]
    assert (said["file"], said["date"], said["wished"]) == (str(file), DATE, "use x")
    assert said["is_done"]
    assert len(said["before_sha256"]) == len(said["after"]) == 64


@pytest.mark.parametrize("half", ["", "{", "[]", '{"before": null}'])
def test_a_broken_entry_is_named(file: Path, folder: str, half: str) -> None:
    use(file, folder)
    next(Path(folder).glob("*.json")).write_text(half, "utf-8")

    assert code_of(lambda: plan_restores(folder)) == "ET781"


@pytest.mark.parametrize(
    ("environ", "end"),
    [
        ({"XDG_STATE_HOME": "/s"}, "/s/envtool/mirrors"),
        ({"XDG_STATE_HOME": "not/absolute"}, "envtool/mirrors"),
        ({}, "envtool/mirrors"),
    ],
)
def test_entries_lie_in_the_state_folder_of_the_user(environ: dict[str, str], end: str) -> None:
    found = Path(journal_folder(environ, "/home/u")).as_posix()

    assert found.endswith(end)
    assert found.startswith(("/s", "/home/u"))


# Links


@posix
def test_a_link_into_another_file_system_stays_a_link(file: Path, folder: str) -> None:
    if not os.access("/dev/shm", os.W_OK):  # noqa: S108 - the other file system
        pytest.skip("no second file system")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        target = Path(other) / "real"
        target.write_bytes(OLD)
        file.unlink()
        file.symlink_to(target)
        use(file, folder)

        assert file.is_symlink()
        assert target.read_bytes() == NEW
        back(folder)
        assert (file.is_symlink(), target.read_bytes()) == (True, OLD)
        assert os.listdir(other) == ["real"]  # noqa: PTH208 - names


@posix
def test_links_in_a_circle_are_refused(file: Path, folder: str) -> None:
    file.unlink()
    file.symlink_to(file.name)

    assert code_of(lambda: use(file, folder)) == "ET516"


# A disk that refuses


@posix
def test_a_read_only_file_is_left_alone(file: Path, folder: str) -> None:
    file.chmod(0o444)

    assert code_of(lambda: use(file, folder)) == "ET517"
    assert file.read_bytes() == OLD
    assert read_entries(folder) == []


@posix
def test_a_folder_that_nothing_can_be_written_into_is_said(folder: str) -> None:
    place = Path("/proc/self/x.conf")

    assert code_of(lambda: use(place, folder, before=None)) == "ET516"
    assert read_entries(folder) == []


@pytest.mark.parametrize("kind", ["folder", "pipe"])
@posix
def test_what_is_no_file_is_left_alone(tmp_path: Path, folder: str, kind: str) -> None:
    place = tmp_path / "x"
    if kind == "folder":
        place.mkdir()
    else:
        os.mkfifo(place)

    assert code_of(lambda: use(place, folder)) == "ET517"


# Two at once


def test_the_second_of_two_is_refused(file: Path, folder: str) -> None:
    use(file, folder)
    hold = (
        "import sys\nfrom envtool.apply.rewrite import _locked\n"
        "with _locked(sys.argv[1]):\n    print('held', flush=True)\n    input()\n"
    )
    with subprocess.Popen(
        (sys.executable, "-c", hold, folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == b"held"
        try:
            assert code_of(lambda: use(file, folder, before=NEW, after=OLD)) == "ET519"
            assert code_of(lambda: back(folder)) == "ET519"
        finally:
            other.kill()
            other.wait(PATIENCE_S)

    # Whoever was killed holds nothing.
    back(folder)
    assert file.read_bytes() == OLD


def test_a_file_that_changed_since_it_was_read_is_left_alone(file: Path, folder: str) -> None:
    file.write_bytes(b"mine")

    assert code_of(lambda: use(file, folder)) == "ET778"
    assert file.read_bytes() == b"mine"


# Killed at every step


@posix
@pytest.mark.parametrize("before", [OLD, None])
def test_an_edit_killed_anywhere_can_be_undone_and_repeated(
    file: Path, folder: str, before: bytes | None
) -> None:
    def reset() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        file.unlink(missing_ok=True)
        if before is not None:
            file.write_bytes(before)

    seen: set[bytes | None] = set()
    for _ in steps(lambda: use(file, folder, before=before), reset):
        now = file.read_bytes() if file.exists() else None
        seen.add(now)
        assert now in (before, NEW)
        if now == NEW:
            back(folder)
        else:
            # The lock is free, and nothing half done is in the way.
            use(file, folder, before=before)
            back(folder)
        assert (file.read_bytes() if file.exists() else None) == before
        assert read_entries(folder) == []
        assert not [name for name in os.listdir(file.parent) if name.endswith(UNFINISHED)]  # noqa: PTH208
    assert seen == {before, NEW}


@posix
def test_a_restore_killed_anywhere_can_be_repeated(file: Path, folder: str) -> None:
    def reset() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        file.write_bytes(OLD)
        use(file, folder)
        use(file, folder, before=NEW, after=b"newer")

    for _ in steps(lambda: back(folder), reset):
        assert file.read_bytes() in (OLD, b"newer")
        back(folder)
        assert file.read_bytes() == OLD
        assert read_entries(folder) == []


def test_one_file_of_many_is_brought_back(tmp_path: Path, folder: str) -> None:
    files = [tmp_path / "a", tmp_path / "b"]
    for one in files:
        one.write_bytes(OLD)
        use(one, folder)

    found: list[Restore] = plan_restores(folder, [str(files[0])])
    restore(found, folder=folder)

    assert [one.read_bytes() for one in files] == [OLD, NEW]
