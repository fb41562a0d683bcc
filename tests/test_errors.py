from __future__ import annotations

import concurrent.futures
import multiprocessing

import pytest

from vae import errors
from vae.errors import ExplorerError, OgipError


def test_an_error_says_what_where_and_what_to_do():
    error = ExplorerError("it is broken.", where="/some/file", todo="Mend it")
    assert str(error) == "/some/file: it is broken. Mend it."
    assert str(ExplorerError("it is broken")) == "it is broken."


def test_an_ogip_error_names_file_hdu_and_column():
    error = OgipError("holds text", file="a.pha", hdu="SPECTRUM", column="COUNTS")
    assert str(error) == "a.pha, HDU SPECTRUM, column COUNTS: holds text."
    assert (error.file, error.hdu, error.column) == ("a.pha", "SPECTRUM", "COUNTS")


def test_every_error_is_an_explorer_error():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) > 5
    assert all(issubclass(kind, ExplorerError) for kind in kinds)


def fail():
    raise OgipError("holds text", file="a.pha", hdu="SPECTRUM", column="COUNTS", todo="Fetch it again")


def test_errors_travel_between_processes_whole():
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, context) as pool:
        job = pool.submit(fail)
        with pytest.raises(OgipError, match="Fetch it again") as caught:
            job.result()
    assert (caught.value.file, caught.value.column) == ("a.pha", "COUNTS")
