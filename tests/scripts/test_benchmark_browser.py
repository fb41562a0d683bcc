from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.mark.browser
def test_every_line_is_measured_on_a_tiny_atlas(tiny_atlas: Path) -> None:
    if not Path("/usr/bin/chromium").exists():
        pytest.skip("no Chromium at /usr/bin/chromium (Debian: apt install chromium)")
    small = ["--atlas", str(tiny_atlas), "--repeat", "1", "--tabs", "2", "--cycles", "1", "--json"]
    run = subprocess.run([sys.executable, SCRIPTS / "benchmark.py", "browser", *small], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    found = json.loads(run.stdout)
    ours = found["ours"]
    for name in ("wheel_ms", "pan_ms", "first_map_ms", "pick_ms", "decode_ms", "lasso_ms", "pan_of_all_tabs_ms"):
        assert 0 < ours[name] < 60_000, name
    assert set(found["times_faster_than_stock"]) == {"wheel_ms", "live_map_ms"}
    assert all(ratio > 0 for ratio in found["times_faster_than_stock"].values())
    assert ours["first_map_ms"] <= ours["live_map_ms"]
    assert 100 < ours["server_rss_mib"] < 10_000
    assert set(found["budgets"]) >= {"wheel_ms", "lasso_ms", "pick_ms", "first_map_ms", "server_rss_mib", "mib_per_tab"}
