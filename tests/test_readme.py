"""What the README shows can be pasted and works."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_notebook_example_finds_a_room(monkeypatch):
    code = re.search(r"## In a notebook\n\n```python\n(.*?)```", README, re.DOTALL).group(1)
    if not (ROOT / "checkpoints" / "floorseg-nano-rooms.pt").is_file():
        pytest.skip("checkpoints/floorseg-nano-rooms.pt is not here")
    monkeypatch.chdir(ROOT)
    shown = []

    exec(code, {"display": lambda *values: shown.extend(values)})

    picture, words = shown
    assert picture.size == (1280, 960)
    assert re.fullmatch(r"[\d,]+ px, score [01]\.\d\d", words)


def test_every_file_the_readme_links_to_is_there():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]

    missing = [link for link in links if not (ROOT / link).exists()]

    assert links
    assert not missing


def test_every_shown_configuration_is_there():
    shown = set(re.findall(r"configs/\w+\.yaml", README))

    assert shown
    assert not [name for name in shown if not (ROOT / name).is_file()]
