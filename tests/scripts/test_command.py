"""What every command shares: summary, errors, exit status."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from _command import run

from vae.errors import ExplorerError, OptionError


@dataclass(frozen=True)
class Options:
    """Do a thing."""

    out: Path
    """Where to."""
    json: bool = False
    """Print JSON."""


def leave(main, *argv: str) -> int:
    with pytest.raises(SystemExit) as leaving:
        run(main, Options, argv=list(argv))
    return int(leaving.value.code or 0)


def fail(error: BaseException):
    def main(_: Options) -> None:
        raise error

    return main


def test_json_holds_paths_numpy_and_no_nan(capsys):
    def main(options: Options) -> dict[str, object]:
        numbers = {"n": np.int64(3), "x": np.float32(0.5), "bad": float("nan")}
        return {"out": options.out, "array": np.arange(3), "inner": numbers, "pair": (1, np.bool_(True))}

    assert leave(main, "--out", "a b", "--json") == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {
        "out": "a b", "array": [0, 1, 2], "inner": {"n": 3, "x": 0.5, "bad": None}, "pair": [1, True],
    }  # fmt: skip
    assert printed.err == ""


def test_without_json_one_line_each(capsys):
    assert leave(lambda options: {"store": options.out, "rows": 63}, "--out", "x") == 0
    assert capsys.readouterr().out == "store: x\nrows: 63\n"
    assert leave(lambda _: None, "--out", "x") == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("error", "status"),
    [(ExplorerError("broken", todo="Mend it"), 1), (OptionError("odd"), 2), (KeyboardInterrupt(), 130)],
)
def test_status_and_one_paragraph(capsys, error, status):
    assert leave(fail(error), "--out", "x") == status
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1


def test_unknown_options_are_status_2(capsys):
    assert leave(lambda _: None, "--out", "x", "--bogus") == 2
    assert "--bogus" in capsys.readouterr().err


def test_a_fault_of_our_own_is_not_dressed_up():
    with pytest.raises(ZeroDivisionError):
        run(fail(ZeroDivisionError()), Options, argv=["--out", "x"])


def test_options_that_contradict_each_other_as_they_are_parsed_are_an_error_of_use(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @dataclass(frozen=True)
    class Picky:
        number: int = 0

        def __post_init__(self) -> None:
            if self.number < 0:
                raise OptionError(f"--number {self.number} is too small", todo="Give 0 or more")

    with pytest.raises(SystemExit) as left:
        run(lambda options: None, Picky, argv=["--number", "-1"])
    assert left.value.code == 2
    assert capsys.readouterr().err == "error: --number -1 is too small. Give 0 or more.\n"
