"""The tiny atlas as the explorer sees it, and a fresh session on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.services import Services, services
from explorer.session import Session


@pytest.fixture(scope="session")
def opened(tiny_atlas: Path) -> Services:
    return services(tiny_atlas)


@pytest.fixture
def session(opened: Services) -> Session:
    return Session(opened)
