"""Plans and evaluations that several tests look at."""

from pathlib import Path

import pytest

from tests.eval.plans import write_plans


@pytest.fixture(scope="session")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_plans(tmp_path_factory.mktemp("plans"))
