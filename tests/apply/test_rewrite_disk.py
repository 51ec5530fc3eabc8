"""Edits on disks that are full, forbidden or elsewhere, and by many at once: old or new."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

import pytest

from envtool.apply.rewrite import plan_restores, read_entries, restore, rewrite
from envtool.model.edit import Edit
from tests.apply.steps import FULL, cramped, forked, steps
from tests.loopback import PATIENCE_S, listing

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and modes")

# As large as files of settings are, so that there is something to cut.
OLD = [b"# old\r\n\xff" * 90, b"", None]
NEW = [b"new\n" * 300, b"x" * 700, b"made\n" * 100]
NOBODY = 65534
SHARED = Path("/dev/shm")  # noqa: S108 - the other file system


class Desk(NamedTuple):
    """Three files that one command edits: a long one, an empty one, one that is not there."""

    root: Path
    files: tuple[Path, ...]
    folder: str

    def reset(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.files[2].parent, ignore_errors=True)
        for file, before in zip(self.files, OLD, strict=True):
            if before is not None:
                file.write_bytes(before)

    def edit(self) -> None:
        edits = [Edit("x", str(f), b, a) for f, b, a in zip(self.files, OLD, NEW, strict=True)]
        rewrite(edits, folder=self.folder, date="2026-11-21", wished="use x")

    def undo(self, *, is_forced: bool = False) -> None:
        restore(plan_restores(self.folder), folder=self.folder, is_forced=is_forced)

    def now(self) -> list[bytes | None]:
        return [file.read_bytes() if file.exists() else None for file in self.files]

    def agrees(self) -> None:
        """Check that each file is old or new, and that the journal brings all of them back."""
        for now, old, new in zip(self.now(), OLD, NEW, strict=True):
            assert now in (old, new)
        edited = [
            str(file)
            for file, now, old in zip(self.files, self.now(), OLD, strict=True)
            if now != old
        ]
        planned = plan_restores(self.folder)
        # One that was brought back, and killed before that was noted, is brought back once more.
        assert [one.file for one in planned if one.then != one.now] == edited
        assert not any(one.is_changed for one in planned)
        self.undo()
        assert self.now() == OLD
        assert read_entries(self.folder) == []
        assert not [path for path in self.root.rglob("*") if path.name.endswith(".envtool")]
        assert not self.files[2].parent.exists()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    home = tmp_path / "home"
    home.mkdir()
    files = (home / ".condarc", home / "pip.conf", home / "uv" / "uv.toml")
    one = Desk(tmp_path, files, str(tmp_path / "state" / "m"))
    one.reset()
    return one


def test_several_files_killed_at_any_step_are_each_old_or_new(desk: Desk) -> None:
    seen: set[int] = set()
    for _ in steps(desk.edit, desk.reset):
        seen.add(sum(now == new for now, new in zip(desk.now(), NEW, strict=True)))
        desk.agrees()
    assert seen == {0, 1, 2, 3}


def test_several_files_brought_back_and_killed_at_any_step_are_each_old_or_new(desk: Desk) -> None:
    def reset() -> None:
        desk.reset()
        desk.edit()

    for _ in steps(desk.undo, reset):
        desk.agrees()


def test_a_forced_restore_killed_at_any_step_loses_nothing(desk: Desk) -> None:
    def reset() -> None:
        for copy in desk.files[0].parent.glob("*.envtool-*"):
            copy.unlink()
        desk.reset()
        desk.edit()
        desk.files[0].write_bytes(b"mine")

    for _ in steps(lambda: desk.undo(is_forced=True), reset):
        desk.undo(is_forced=True)
        copies = [path.read_bytes() for path in desk.files[0].parent.glob("*.envtool-*")]
        assert desk.now() == OLD
        assert set(copies) == {b"mine"}


def test_a_disk_that_is_full_at_any_moment_leaves_the_old_or_the_new(desk: Desk) -> None:
    ends: set[int] = set()
    for most in (0, 1, 100, 300, 400, 500, 600, 690, 710, 900, 1190, 1210, 1500, 2000, 4000):
        desk.reset()
        ends.add(cramped(desk.edit, most))
        desk.agrees()
    assert ends == {0, FULL}


def test_a_disk_that_is_full_while_restoring_leaves_the_old_or_the_new(desk: Desk) -> None:
    ends: set[int] = set()
    for most in (0, 1, 100, 700, 2000):
        desk.reset()
        desk.edit()
        ends.add(cramped(desk.undo, most))
        desk.agrees()
    assert ends == {0, FULL}


@pytest.fixture
def small_disk() -> Generator[Path]:
    """Return a file system of 64 KiB, where one may be made."""
    place = tempfile.mkdtemp()
    mount = ("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place)
    if (
        not shutil.which("mount")
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        Path(place).rmdir()
        pytest.skip("no file system may be mounted here")
    try:
        yield Path(place)
    finally:
        subprocess.run(("umount", place), check=True)
        Path(place).rmdir()


def test_a_small_disk_fills_up_and_the_file_is_whole(small_disk: Path, tmp_path: Path) -> None:
    file, folder = small_disk / ".condarc", str(tmp_path / "state")
    file.write_bytes(OLD[0] or b"")
    before = listing(small_disk)
    (small_disk / "filling").write_bytes(b"x" * 60_000)

    def work() -> None:
        edit = Edit("conda", str(file), OLD[0], b"y" * 9000)
        rewrite([edit], folder=folder, date="2026-11-21", wished="x")

    assert os.waitstatus_to_exitcode(forked(work)) == FULL
    (small_disk / "filling").unlink()
    assert listing(small_disk) == before
    assert read_entries(folder) == []


@pytest.mark.parametrize("where", ["home", "state"])
def test_a_folder_that_nobody_may_write_into_is_left_as_it_was(where: str) -> None:
    # Not below tmp_path, which no other user may enter.
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        root.chmod(0o755)
        home, state = root / "home", root / "state"
        for one in (home, state):
            one.mkdir()
        file = home / ".condarc"
        file.write_bytes(OLD[0] or b"")
        if os.getuid() == 0:
            for path in (home, state, file):
                os.chown(path, NOBODY, NOBODY)
        (root / where).chmod(0o555)
        before = listing(root)

        def work() -> None:
            if os.getuid() == 0:
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            edit = Edit("conda", str(file), OLD[0], NEW[0] or b"")
            rewrite([edit], folder=str(state / "m"), date="2026-11-21", wished="x")

        refused = os.waitstatus_to_exitcode(forked(work))
        assert refused == 516 % 256
        shutil.rmtree(state / "m", ignore_errors=True)
        after = listing(root)
        for name, entry in before.items():
            assert after[name][:3] == entry[:3]
        assert set(after) == set(before)
        assert file.read_bytes() == OLD[0]
        (root / where).chmod(0o755)


@pytest.mark.skipif(not os.access(SHARED, os.W_OK), reason="no second file system")
def test_links_into_another_file_system_are_followed_at_any_step(desk: Desk) -> None:
    with tempfile.TemporaryDirectory(dir=SHARED) as other:
        target = Path(other) / "deep" / "real"
        target.parent.mkdir()
        link = desk.files[0]
        middle = link.with_name("middle")
        middle.symlink_to(target)
        link.unlink()
        link.symlink_to(middle)

        def agrees() -> None:
            for file, old, new in zip(desk.files, OLD, NEW, strict=True):
                assert (file.read_bytes() if file.exists() else None) in (old, new)
            desk.undo()
            assert desk.now() == OLD
            assert str(link.readlink()) == str(middle)
            assert str(middle.readlink()) == str(target)
            assert os.listdir(target.parent) == ["real"]  # noqa: PTH208 - names

        for _ in steps(desk.edit, desk.reset):
            agrees()


def test_of_many_at_once_one_edits_and_the_others_change_nothing(desk: Desk) -> None:
    code = (
        "import sys\nfrom envtool.apply.rewrite import rewrite\n"
        "from envtool.errors import RefusedError\nfrom envtool.model.edit import Edit\n"
        "file, folder, mine = sys.argv[1:]\nbefore = open(file, 'rb').read()\n"
        "print('ready', flush=True)\ninput()\n"
        "try:\n    rewrite([Edit('x', file, before, mine.encode())], folder=folder,"
        " date='2026-11-21', wished=mine)\n"
        "except RefusedError as error:\n    print(error.code)\nelse:\n    print('done')\n"
    )
    file = desk.files[0]
    words = [f"mine-{number}\n" * 100 for number in range(6)]
    others = [
        subprocess.Popen(
            (sys.executable, "-c", code, str(file), desk.folder, word),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for word in words
    ]
    for one in others:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in others:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    said = [one.communicate(timeout=PATIENCE_S)[0].strip() for one in others]

    assert said.count("done") == 1
    assert set(said) <= {"done", "ET519", "ET778"}
    assert file.read_text() == words[said.index("done")]
    assert [one.wished for one in read_entries(desk.folder)] == [words[said.index("done")]]
    desk.undo()
    assert file.read_bytes() == OLD[0]
