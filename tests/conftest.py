"""What several tests share: where the real floorplans lie, if they are there."""

import os
from pathlib import Path

import hypothesis
import pytest

# machines are shared: how long an example takes says nothing about the code
hypothesis.settings.register_profile("calm", deadline=None)
hypothesis.settings.load_profile("calm")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real floorplans, which is not part of the project."""
    folder = Path(os.environ.get("FLOORSEG_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"no real floorplans at {folder}; set FLOORSEG_SHARED to run this test")
    return folder
