"""README, ARCHITECTURE, the contracts and the tree agree; what the README tells people to type exists."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()
SCRIPTS = sorted(path.name for path in (ROOT / "scripts").glob("[!_]*.py"))
#: Runs `python SCRIPT --help` for each script in a process of its own, forked off one that has loaded the large
#: libraries already: a dozen times the same seconds else. Prints {script: [status, standard output, standard error]}.
HELP = """
import json, os, runpy, sys, tempfile
from pathlib import Path

import astropy.io.fits, numba, pandas, scipy.stats, torch, tyro, zarr

def show(script, folder):
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.argv, sys.path[0] = [script, "--help"], str(Path(script).parent)
    runpy.run_path(script, run_name="__main__")

shown = {}
with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    for script in sys.argv[1:]:
        if (child := os.fork()) == 0:
            status = 0
            try:
                show(script, folder)
            except SystemExit as left:
                status = left.code or 0
            except BaseException as error:
                print(repr(error), file=sys.stderr)
                status = 1
            sys.stdout.flush(), sys.stderr.flush()
            os._exit(status if isinstance(status, int) else 1)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        shown[Path(script).name] = [status, (folder / "out").read_text(), (folder / "err").read_text()]
print(json.dumps(shown))
"""


@pytest.fixture(scope="module")
def helps() -> dict[str, tuple[int, str, str]]:
    """Status, standard output and standard error of every script's --help."""
    scripts = [str(ROOT / "scripts" / name) for name in SCRIPTS]
    done = subprocess.run([sys.executable, "-c", HELP, *scripts], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return {name: tuple(shown) for name, shown in json.loads(done.stdout).items()}


def _rooms(package: str) -> set[str]:
    """Modules and sub-packages of a package."""
    return {
        path.stem
        for path in (ROOT / package).iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").exists()) and path.stem != "__init__"
    }


def _layers(package: str) -> set[str]:
    """Rooms that the layers contract of a package names."""
    for contract in PROJECT["tool"]["importlinter"]["contracts"]:
        if contract.get("containers") == [package]:
            return {room.strip() for layer in contract["layers"] for room in layer.split("|")}
    raise AssertionError(f"no layers contract for {package}")


@pytest.mark.parametrize("package", ["vae", "explorer"])
def test_every_room_stands_in_a_contract_and_on_the_page(package: str) -> None:
    rooms = _rooms(package)
    assert rooms == _layers(package)
    for room in rooms:
        assert re.search(rf"`{package}/{room}(\.py|/)`", ARCHITECTURE), (
            f"ARCHITECTURE.md does not tell of {package}/{room}"
        )


def test_every_dependency_has_a_job_and_a_pinned_version() -> None:
    constraints = (ROOT / "constraints.txt").read_text().lower().replace("_", "-")
    wanted = [re.split(r"[\[<>=]", line)[0] for line in PROJECT["project"]["dependencies"]]
    for name in wanted:
        assert re.search(rf"^{name}==", constraints, re.M), f"constraints.txt does not pin {name}"
        assert re.search(rf"\b{name}\b", ARCHITECTURE), f"ARCHITECTURE.md does not say what {name} is for"
    for line in PROJECT["project"]["optional-dependencies"]["dev"]:
        assert re.search(rf"^{line}==", constraints, re.M), f"constraints.txt does not pin {line}"


def _commands() -> list[str]:
    return re.findall(r"^ {4,}((?:make|\.venv/bin/).*)$", README, re.M)


def test_readme_commands_are_the_ones_that_exist() -> None:
    commands = _commands()
    assert "make explore" in commands
    assert "make test" in commands
    makefile = (ROOT / "Makefile").read_text()
    for command in commands:
        if command.startswith("make "):
            assert re.search(rf"^{command.split()[1]}:", makefile, re.M), command


@pytest.mark.parametrize("command", [line for line in _commands() if "scripts/" in line])
def test_readme_scripts_know_their_options(command: str, helps: dict[str, tuple[int, str, str]]) -> None:
    script, *arguments = command.split()[1:]
    _, shown, _ = helps[script.removeprefix("scripts/")]
    for option in re.findall(r"--[\w-]+", " ".join(arguments)):
        assert option in shown, f"{script} does not know {option}"


def test_readme_pictures_and_files_are_there() -> None:
    for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README) + re.findall(r"`(assets/[^`]+)`", README):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_says_what_it_does(script: str, helps: dict[str, tuple[int, str, str]]) -> None:
    status, out, err = helps[script]
    assert status == 0, err
    assert "usage:" in out
