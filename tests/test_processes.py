"""Workers of a pool whose parent is killed end, too, whichever way they were started."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

POOL = """
import multiprocessing, os, sys, time
from concurrent.futures import ProcessPoolExecutor
from vae.processes import die_with_parent

if __name__ == "__main__":
    with ProcessPoolExecutor(2, multiprocessing.get_context(sys.argv[1]), initializer=die_with_parent) as pool:
        numbers = set()
        while len(numbers) < 2:
            numbers |= {future.result() for future in [pool.submit(os.getpid) for _ in range(20)]}
        print(*numbers, flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize("way", sorted({"forkserver", "spawn"} & set(multiprocessing.get_all_start_methods())))
def test_workers_die_with_a_parent_that_is_killed(way: str) -> None:
    command = [sys.executable, "-c", POOL, way]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert parent.stdout is not None
    workers = [int(number) for number in parent.stdout.readline().split()]
    assert len(workers) == 2
    assert all(is_alive(worker) for worker in workers)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    for _ in range(3000):
        if not any(is_alive(worker) for worker in workers):
            return
        time.sleep(0.02)
    raise AssertionError(f"still there after a minute: {workers}")


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
