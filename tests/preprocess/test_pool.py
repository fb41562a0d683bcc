from __future__ import annotations

import os

import pytest

from vae.errors import ExplorerError
from vae.preprocess.pool import ordered_map
from vae.progress import progress_bar


def run(work, items, workers):
    with progress_bar(quiet=True) as progress:
        return list(ordered_map(work, items, workers=workers, progress=progress, title="x"))


def test_order_is_kept_and_one_process_is_this_one():
    assert run(abs, range(-50, 50), 1) == [abs(i) for i in range(-50, 50)]
    assert run(lambda _: os.getpid(), [1, 2], 1) == [os.getpid()] * 2
    assert run(abs, [], 4) == []


def test_a_process_that_dies_is_told_with_what_to_do():
    with pytest.raises(ExplorerError, match="fewer --workers"):
        run(os._exit, [1, 1, 1], 2)


def test_several_processes_keep_the_order():
    assert run(abs, range(-50, 50), 2) == [abs(i) for i in range(-50, 50)]
