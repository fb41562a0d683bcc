from __future__ import annotations

import pytest

from vae.errors import ExplorerError
from vae.files import link_or_copy, new_file, new_folder


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
