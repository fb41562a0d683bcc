from __future__ import annotations

import os
import subprocess
import sys

import pytest

from vae.errors import ExplorerError
from vae.files import kept_folder, kept_folders, link_or_copy, new_file, new_folder


def test_a_folder_appears_whole(tmp_path):
    target = tmp_path / "deep" / "out"
    with new_folder(target) as work:
        (work / "a").write_text("a")
        assert not target.exists()
    assert (target / "a").read_text() == "a"
    assert [path.name for path in target.parent.iterdir()] == ["out"]


def test_or_not_at_all(tmp_path):
    def fail():
        with new_folder(tmp_path / "out") as work:
            (work / "a").write_text("a")
            raise RuntimeError("on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_by_accident(tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    (target / "precious").touch()
    with pytest.raises(ExplorerError, match=r"exists already.*--out"), new_folder(target):
        pass
    assert (target / "precious").exists()


def test_overwriting_keeps_the_old_until_the_new_is_whole(tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    (target / "old").touch()

    def fail():
        with new_folder(target, overwrite=True):
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fail()
    assert (target / "old").exists()
    with new_folder(target, overwrite=True) as work:
        (work / "new").touch()
    assert [path.name for path in target.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "deep" / "file"
    with new_file(target) as work:
        work.write_text("one")
    with new_file(target) as work:
        work.write_text("two")
        assert target.read_text() == "one"

    def fail():
        with new_file(target) as work:
            work.write_text("half")
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fail()
    assert target.read_text() == "two"
    assert [path.name for path in target.parent.iterdir()] == ["file"]


def test_links_share_their_bytes_and_survive_a_file_system_without_links(tmp_path, monkeypatch):
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "a").write_text("a")
    link_or_copy(source, tmp_path / "linked")
    assert (tmp_path / "linked" / "deep" / "a").stat().st_ino == (source / "deep" / "a").stat().st_ino

    def refuse(*_args):
        raise OSError("no links here")

    monkeypatch.setattr("vae.files.os.link", refuse)
    link_or_copy(source, tmp_path / "copied")
    assert (tmp_path / "copied" / "deep" / "a").read_text() == "a"
    assert (tmp_path / "copied" / "deep" / "a").stat().st_ino != (source / "deep" / "a").stat().st_ino


def test_a_kept_folder_outlives_what_went_wrong_and_goes_when_all_is_well(tmp_path):
    target = tmp_path / "deep" / "out"

    def fail():
        with kept_folder(target, "one") as work:
            (work / "half").write_text("done")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [path.name for path in target.parent.iterdir()] == [".out.partial-one"]
    with kept_folder(target, "other") as work:
        assert not (work / "half").exists()
    with kept_folder(target, "one") as work:
        assert (work / "half").read_text() == "done"
    assert list(target.parent.iterdir()) == []


def test_a_kept_folder_with_nothing_in_it_is_not_kept(tmp_path):
    def fail():
        with kept_folder(tmp_path / "out", "one"):
            raise RuntimeError("at once")

    with pytest.raises(RuntimeError, match="at once"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_fresh_start_discards_what_was_kept_and_nothing_else(tmp_path):
    for name in (".out.partial-one", ".out.partial-two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".kept").touch()
    (tmp_path / ".out.partial-77-abcdef").mkdir()  # another command's, at work at this moment
    (tmp_path / ".output.partial-one").mkdir()
    assert [path.name for path in kept_folders(tmp_path / "out")] == [".out.partial-one", ".out.partial-two"]
    with kept_folder(tmp_path / "out", "one", fresh=True):
        assert len(kept_folders(tmp_path / "out")) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out.partial-77-abcdef", ".output.partial-one"]


def test_only_one_works_on_a_target(tmp_path):
    with kept_folder(tmp_path / "out", "one") as work:
        (work / "half").touch()
        with (
            pytest.raises(ExplorerError, match=rf"process {os.getpid()} on .* is making it"),
            kept_folder(tmp_path / "out", "two"),
        ):
            pass
        with kept_folder(tmp_path / "elsewhere", "one"):
            pass
        assert (work / "half").exists()
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_a_dead_process_holds_nobody_up(tmp_path):
    code = f"""
import os
from vae.files import kept_folder
with kept_folder({str(tmp_path / "out")!r}, "one") as work:
    (work / "half").touch()
    os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    assert (tmp_path / ".out.lock").exists()
    with kept_folder(tmp_path / "out", "one") as work:
        assert (work / "half").exists()
    assert list(tmp_path.iterdir()) == []
