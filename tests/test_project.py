"""README, ARCHITECTURE, the contracts and the tree agree; what the README tells people to type exists."""

from __future__ import annotations

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
def test_readme_scripts_know_their_options(command: str) -> None:
    script, *arguments = command.split()[1:]
    shown = subprocess.run(
        [sys.executable, str(ROOT / script), "--help"], capture_output=True, text=True, timeout=120, check=True
    ).stdout
    for option in re.findall(r"--[\w-]+", " ".join(arguments)):
        assert option in shown, f"{script} does not know {option}"


def test_readme_pictures_and_files_are_there() -> None:
    for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README) + re.findall(r"`(assets/[^`]+)`", README):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "scripts").glob("[!_]*.py")))
def test_every_script_says_what_it_does(script: str) -> None:
    shown = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / script), "--help"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert "usage:" in shown.stdout
