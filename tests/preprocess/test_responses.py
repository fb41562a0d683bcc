"""Matrices are read once by a process, whatever path leads to them, and again when they change."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from archives import counts
from ogip_files import gaussian_matrix, write_arf, write_pha, write_rmf

from vae.errors import OgipError
from vae.preprocess import responses
from vae.preprocess.responses import load_response
from vae.spectra import response
from vae.spectra.ogip import read_arf, read_pha, read_rmf


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the matrices that are read."""
    names: list[str] = []
    monkeypatch.setattr(responses, "_kept", {})
    monkeypatch.setattr(responses, "_bounds", {})
    monkeypatch.setattr(responses, "read_rmf", lambda path: (names.append(path.name), read_rmf(path))[1])
    return names


def test_one_file_under_two_paths_is_read_once_and_named_as_asked(tmp_path, read):
    path = write_rmf(tmp_path / "a.rmf")
    (tmp_path / "b.rmf").symlink_to(path)
    first, second = load_response(path), load_response(tmp_path / "b.rmf")
    assert read == ["a.rmf"]
    assert (first.rmf.path.name, second.rmf.path.name) == ("a.rmf", "b.rmf")
    assert first.key == second.key
    assert second.rmf.membership is first.rmf.membership


def test_a_file_that_changes_is_read_again(tmp_path, read):
    path = write_rmf(tmp_path / "a.rmf")
    key = load_response(path).key
    write_rmf(path, gaussian_matrix(fwhm=0.4))
    os.utime(path, ns=(0, 7))
    assert load_response(path).key != key
    assert read == ["a.rmf", "a.rmf"]


def test_a_file_that_does_not_open_is_tried_once(tmp_path, read):
    (tmp_path / "stub.rmf").write_text("text\n")
    for _ in range(3):
        with pytest.raises(OgipError, match="not a FITS file but text"):
            load_response(tmp_path / "stub.rmf")
    assert read == ["stub.rmf"]
    with pytest.raises(OgipError, match="No such file"):
        load_response(tmp_path / "nowhere.rmf")


def test_matrices_share_their_channels_and_only_the_latest_stay(tmp_path, read, monkeypatch):
    monkeypatch.setattr(responses, "_MOST_KEPT", 2)
    paths = [write_rmf(tmp_path / f"{i}.rmf", gaussian_matrix(fwhm=0.1 + 0.1 * i)) for i in range(3)]
    found = [load_response(path) for path in paths]
    assert len({id(one.rmf.membership) for one in found}) == len({id(one.rmf.e_min) for one in found}) == 1
    load_response(paths[2])
    load_response(paths[1])
    assert read == ["0.rmf", "1.rmf", "2.rmf"]
    load_response(paths[0])
    assert read[3:] == ["0.rmf"]


def test_what_is_kept_bins_as_the_whole_matrix_does(tmp_path, read):
    path: Path = write_rmf(tmp_path / "a.rmf")
    whole, slim = read_rmf(path), load_response(path).rmf
    pha, arf = read_pha(write_pha(tmp_path / "p", counts())), read_arf(write_arf(tmp_path / "f"))
    assert slim.matrix.nnz == 0
    np.testing.assert_array_equal(response.bin_counts(pha, slim), response.bin_counts(pha, whole))
    np.testing.assert_array_equal(response.sensitivity(arf, slim, 9.0), response.sensitivity(arf, whole, 9.0))
