"""Who may import whom. README.md shows the picture; this keeps it true."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOUNDATION = {"floorseg", "floorseg.errors"}
STATE = FOUNDATION | {"floorseg.settings", "floorseg.runs"}

MAY_IMPORT = {  # layer: the layers below it, and itself
    "floorseg.errors": set(),
    "floorseg.settings": FOUNDATION,
    "floorseg.runs": FOUNDATION,
    "floorseg.core": FOUNDATION | {"floorseg.core"},
    "floorseg.data": FOUNDATION | {"floorseg.core", "floorseg.data"},
    "floorseg.training": STATE | {"floorseg.core", "floorseg.data", "floorseg.training"},
    "eval": STATE | {"floorseg.core", "floorseg.data", "eval"},
    "floorseg.services": STATE
    | {"floorseg.core", "floorseg.data", "floorseg.services", "eval.report"},
    "floorseg.ui": STATE
    | {"floorseg.core", "floorseg.data", "floorseg.services", "floorseg.ui", "eval.report"},
}


def modules(layer: str) -> list[Path]:
    path = ROOT / layer.replace(".", "/")
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


def imported(path: Path) -> set[str]:
    """Full names of everything a module imports, at its top or inside a function."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def ours(name: str) -> bool:
    return name.split(".")[0] in {"floorseg", "eval", "app", "benchmarks", "tests"}


def allowed(name: str, layers: set[str]) -> bool:
    return any(
        name == layer or name.startswith(f"{layer}.") for layer in layers - {"floorseg"}
    ) or name in {"floorseg", "floorseg.__version__"}


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_a_layer_imports_only_layers_below_it(layer):
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(layer)
        if path.exists()
        for name in imported(path)
        if ours(name) and not allowed(name, MAY_IMPORT[layer])
    }

    assert not wrong


def test_only_the_ui_and_app_know_gradio():
    outside = [
        path
        for folder in ("floorseg", "eval")
        for path in modules(folder)
        if "ui" not in path.relative_to(ROOT).parts
    ]

    knowing = {
        str(path.relative_to(ROOT))
        for path in outside
        if any(name.split(".")[0] == "gradio" for name in imported(path))
    }

    assert not knowing


def test_nobody_hides_the_builtin_eval():
    hiding = [
        str(path.relative_to(ROOT))
        for folder in ("floorseg", "eval", "benchmarks", "tests")
        for path in modules(folder)
        if "eval" in imported(path)
    ]

    assert not hiding


def test_no_folder_at_the_root_shadows_an_installed_package():
    assert not {"sam2", "training"} & {path.name for path in ROOT.iterdir() if path.is_dir()}


def test_every_module_says_what_it_is_for():
    silent = [
        str(path.relative_to(ROOT))
        for folder in ("floorseg", "eval", "benchmarks")
        for path in modules(folder)
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]

    assert not silent
