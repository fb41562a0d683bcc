from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from rich.console import Console

from vae.errors import OptionError
from vae.training import monitor as module
from vae.training.monitor import draw_curves, monitor

ENTRY = {"update": 10, "training": 150.5, "median": 148.25, "trimmed_mean": 1.0, "mean": 1.0, "kl": 1.0}


def test_curves_fall_from_the_top_left_to_the_bottom_right() -> None:
    training = [(float(update), 300.0 - update) for update in range(0, 100, 2)]
    lines = draw_curves(training, [(99.0, 190.0)], 100).plain.splitlines()
    assert len(lines) == module._HEIGHT + 1
    assert "200.0" in lines[module._HEIGHT - 1] or "190.0" in lines[module._HEIGHT - 1]
    body = [line[11:] for line in lines[: module._HEIGHT]]
    assert body[0].strip(" ")[0] == body[0][0]  # something at the top left
    assert not body[0][module._WIDTH // 2 :].strip()
    assert body[-1].strip()
    assert not body[-1][: module._WIDTH // 2].strip()
    assert draw_curves([], [], 10).plain


def show(monkeypatch: pytest.MonkeyPatch, *, terminal: bool, quiet: bool = False) -> str:
    out = io.StringIO()
    monkeypatch.setattr(
        module, "Console", lambda **_: Console(file=out, force_terminal=terminal, width=100, color_system=None)
    )
    monkeypatch.setattr("vae.progress.Console", lambda **_: Console(file=io.StringIO()))
    with monitor(20, quiet=quiet) as display:
        display.start(0, [])
        for update in range(1, 21):
            display.trained(update, 200.0 - update)
        display.evaluated(ENTRY)
    return out.getvalue()


def test_lines_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    said = show(monkeypatch, terminal=False)
    assert said.startswith("update 10 of 20: training 150.50, held out 148.25")
    assert said.count("\n") == 1


def test_a_plot_on_a_terminal_and_nothing_where_it_shall_be_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    said = show(monkeypatch, terminal=True)
    assert any(0x2800 < ord(character) < 0x2900 for character in said)
    assert show(monkeypatch, terminal=False, quiet=True) == ""


def test_tensorboard_gets_the_losses_or_says_how_to_be_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written: dict[str, float] = {}

    class Writer:
        def __init__(self, folder: str) -> None:
            self.folder = folder

        def add_scalar(self, name: str, value: float, update: int) -> None:
            written[f"{name}@{update}"] = value

        def flush(self) -> None: ...

        def close(self) -> None: ...

    fake = type(sys)("torch.utils.tensorboard")
    fake.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    with monitor(20, quiet=True, tensorboard=tmp_path) as display:
        display.trained(1, 7.0)
        display.evaluated(ENTRY)
    assert written["held_out/median@10"] == 148.25
    assert written["loss/training_batch@1"] == 7.0
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(OptionError, match=r"pip install 'xmm-latent-explorer\[tensorboard\]'"):
        monitor(20, quiet=True, tensorboard=tmp_path).__enter__()
