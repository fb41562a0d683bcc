"""What all commands share: typed options, one summary, exit status 0, 1 or 2, errors as one paragraph.

Importing this module first also puts the checkout on the import path, so that `python scripts/x.py` runs the code
beside it whether the project is installed or not.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import tyro
from rich.console import Console

from vae.errors import ExplorerError, OptionError

OptionsT = TypeVar("OptionsT")


def run(
    main: Callable[[OptionsT], Mapping[str, Any] | None],
    options_class: type[OptionsT],
    *,
    description: str | None = None,
    argv: list[str] | None = None,
) -> NoReturn:
    """Parse the command line, run the command, print its summary, leave with its status.

    Parameters
    ----------
    main : callable
        Takes the options, returns a summary: a mapping of JSON values (paths, numpy numbers and arrays too), or None.
        Where the options have a true field ``json``, the summary goes to standard output as one JSON document, else as
        one "name: value" line each. Nothing else is printed on standard output.
    options_class : dataclass
        Its fields are the options; their docstrings the help. ``tyro.conf.Positional`` marks arguments.
    description : str, optional
        Text above the options in ``--help``; the docstring of `options_class` otherwise.
    argv : list of str, optional
        Arguments instead of ``sys.argv[1:]``, for tests.

    Notes
    -----
    Exit status 0: done. 1: it went wrong (`ExplorerError`; one paragraph on standard error says what, where and what
    to do). 2: the options make no sense (tyro's own errors and `OptionError`). 130: interrupted (a command that keeps
    what it has done says so as the text of the `KeyboardInterrupt` it raises).
    """
    try:
        options = tyro.cli(options_class, description=description, args=argv, config=(tyro.conf.FlagCreatePairsOff,))
        summary = main(options)
    except OptionError as error:
        _complain(str(error))
        raise SystemExit(2) from None
    except ExplorerError as error:
        _complain(str(error))
        raise SystemExit(1) from None
    except KeyboardInterrupt as interrupted:
        _complain(str(interrupted) or "Interrupted; nothing was left half written.")
        raise SystemExit(130) from None
    if summary is not None:
        if getattr(options, "json", False):
            print(json.dumps(plain(summary), indent=2))
        else:
            for name, value in summary.items():
                print(f"{name}: {_text(plain(value))}")
    raise SystemExit(0)


def _complain(text: str) -> None:
    width = Console(stderr=True).width if sys.stderr.isatty() else 1_000_000
    print(textwrap.fill(f"error: {text}", width, break_long_words=False, break_on_hyphens=False), file=sys.stderr)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def plain(value: Any) -> Any:
    """Turn paths, numpy values and dataclasses into what json knows; NaN and infinities become null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain(dataclasses.asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
