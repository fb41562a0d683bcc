"""The command as a person meets it: killed and run again, offline, refused, in JSON."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "crossmatch"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "servers"))

from _command import run
from crossmatch import Options, main
from simbad_sky import form
from simbad_tap import tap_server
from small_sky import Truth, make_atlas, make_truth
from xmatch import xmatch_server

from vae.crossmatch import CrossmatchOptions, crossmatch

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, str(ROOT / "scripts" / "crossmatch.py")]


def start(*arguments: object) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def leave(*arguments: object) -> int:
    """Run the command in this process; its exit status."""
    with pytest.raises(SystemExit) as leaving:
        run(main, Options, argv=[*map(str, arguments)])
    return int(leaving.value.code or 0)


@pytest.fixture(scope="module")
def truth() -> Truth:
    return make_truth(120)


def sent(body: bytes) -> str:
    """The table of a request to XMatch: requests of the same rows differ in their boundaries only."""
    boundary = body[2 : body.index(b"\r")].decode()
    table = pd.read_csv(io.BytesIO(form(f"multipart/form-data; boundary={boundary}", body)["cat1"]))
    return table.to_csv(index=False)


def test_killed_and_run_again_it_asks_for_no_chunk_twice(truth, tmp_path):
    atlas = make_atlas(tmp_path / "atlas", truth.sources)
    before = (atlas / "catalogue.parquet").read_bytes()
    cache = tmp_path / "cache"
    # The fourth request hangs: the process is killed in the middle of it.
    with (
        xmatch_server(truth.sky, ["ok", "overflow", "ok", "timeout"]) as (url, server),
        tap_server(truth.sky) as (tap, _),
    ):
        options = (atlas, "--xmatch-url", url, "--tap-url", tap, "--cache", cache, "--pause", 0, "--chunk-rows", 40)
        killed = start(*options, "--quiet")
        while len(server.log.bodies) < 4 and killed.poll() is None:
            time.sleep(0.02)
        killed.send_signal(signal.SIGKILL)
        _, errors = killed.communicate()
        assert killed.returncode == -signal.SIGKILL, errors
        assert (atlas / "catalogue.parquet").read_bytes() == before
        again = start(*options, "--json")
        out, errors = again.communicate()
        assert (again.returncode, errors) == (0, "")
        tables = [sent(body) for body in server.log.bodies]
    summary = json.loads(out)
    # First chunk; second, cut; its first half; its second half, unanswered and asked again; third chunk.
    assert server.log.answered == ["ok", "overflow", "ok", "timeout", "ok", "ok"]
    answered = [table for table, how in zip(tables, server.log.answered, strict=True) if how in ("ok", "overflow")]
    assert len(answered) == len(set(answered)) == 5
    assert tables[3] == tables[4]
    assert (summary["from_cache"], summary["looked_up"]) == (2, 120)
    # The same as an undisturbed run.
    calm = make_atlas(tmp_path / "calm", truth.sources)
    with xmatch_server(truth.sky) as (url, _), tap_server(truth.sky) as (tap, _):
        crossmatch(calm, CrossmatchOptions(xmatch_url=url, tap_url=tap, cache=tmp_path / "other", pause=0), quiet=True)
    pd.testing.assert_frame_equal(
        pd.read_parquet(atlas / "catalogue.parquet"), pd.read_parquet(calm / "catalogue.parquet")
    )
    assert not list(cache.glob("*.partial*"))
    assert sorted(path.name for path in atlas.iterdir()) == ["atlas.json", "candidates.parquet", "catalogue.parquet"]


def test_offline_and_in_words(truth, tmp_path, capsys):
    atlas = make_atlas(tmp_path / "atlas", truth.sources)
    for name, row in (("tde_a", 0), ("tde_b", 1)):
        place = truth.sources.iloc[[row]]
        pd.DataFrame({"ra": place["ra"], "dec": place["dec"]}).to_csv(tmp_path / f"{name}.csv", index=False)
    labels = ("--labels", tmp_path / "tde_a.csv", "--labels", tmp_path / "tde_b.csv")
    assert leave(atlas, "--offline", *labels, "--cache", tmp_path / "cache", "--quiet") == 0
    out, errors = capsys.readouterr()
    assert errors == ""
    assert "SIMBAD was not asked (--offline)" in out
    assert '"tde_a": 1' in out
    assert '"tde_b": 1' in out


def test_a_simulated_archive_is_refused(truth, tmp_path, capsys):
    atlas = make_atlas(tmp_path / "atlas", truth.sources.iloc[:3], simulated=True)
    assert leave(atlas, "--cache", tmp_path / "cache") == 1
    out, errors = capsys.readouterr()
    assert out == ""
    assert "its positions are fictitious" in errors
    assert errors.count("\n") == 1


def test_options_that_make_no_sense_are_status_2(tmp_path, capsys):
    assert leave(tmp_path, "--radius-floor", 40) == 2
    assert leave(tmp_path, "--service", "telepathy") == 2
    assert "--radius-floor 40" in capsys.readouterr().err


def test_the_servers_start_from_a_script(truth, tmp_path):
    truth.sky.objects.drop(columns="oid").to_csv(tmp_path / "objects.csv", index=False)
    atlas = make_atlas(tmp_path / "atlas", truth.sources)
    servers = [
        subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "servers" / f"{name}.py"), str(tmp_path / "objects.csv")],
            stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        for name in ("xmatch", "simbad_tap")
    ]  # fmt: skip
    try:
        urls = [server.stdout.readline().strip() for server in servers]
        summary = crossmatch(
            atlas, CrossmatchOptions(xmatch_url=urls[0], tap_url=urls[1], cache=tmp_path / "cache", pause=0), quiet=True
        )
        assert summary.matched > 50
    finally:
        for server in servers:
            server.kill()
            server.communicate()
