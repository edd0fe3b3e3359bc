"""``floorseg doctor``: is everything here that the work needs?"""

import importlib.metadata
import json
import platform
import shutil
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path

import typer

from floorseg import __version__
from floorseg.settings import Settings

PACKAGES = (
    "torch", "torchvision", "sam2", "gradio", "pycocotools", "numpy", "pandas", "plotly",
    "tensorboard", "hydra-core", "opencv-python-headless", "tensordict", "submitit",
)  # fmt: skip
NEEDED_DISK_GB = 2.0  # room for a run's checkpoints


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the doctor found.

    Attributes:
        problems: one sentence each for what keeps floorseg from working; empty when well.
        gpus: one line a GPU: name and memory.
        bfloat16: whether the device that would be used has it, or "" where torch does not import.
        free_disk_gb: room left where runs are written, in gigabytes (10^9 bytes).
    """

    floorseg: str
    python: str
    platform: str
    processors: int
    memory_gb: float
    torch: str
    gpus: list[str]
    bfloat16: str
    driver: str
    checkpoints: list[str]
    datasets: list[str]
    free_disk_gb: float
    packages: dict[str, str]
    problems: list[str] = field(default_factory=list)


def doctor(
    as_json: bool = typer.Option(False, "--json", help="Print the findings as JSON."),
) -> None:
    """Check Python, torch, GPU, checkpoints, datasets and disk; exit 1 if something is missing."""
    diagnosis = examine(Settings())
    if as_json:
        print(json.dumps(asdict(diagnosis), indent=2))
    else:
        _show(diagnosis)
    raise typer.Exit(1 if diagnosis.problems else 0)


def examine(settings: Settings) -> Diagnosis:
    """Look at this machine and at the folders that ``settings`` names."""
    import psutil

    versions = {name: _version(name) for name in PACKAGES}
    torch_version, gpus = _torch()
    checkpoints = _found(settings.checkpoints, ("*.pt", "*.safetensors"))
    disk = shutil.disk_usage(_existing(settings.runs)).free / 1e9
    return Diagnosis(
        floorseg=__version__,
        python=platform.python_version(),
        platform=platform.platform(),
        processors=psutil.cpu_count(logical=True) or 1,
        memory_gb=round(psutil.virtual_memory().total / 1e9, 1),
        torch=torch_version,
        gpus=gpus,
        bfloat16=_bfloat16(),
        driver=_driver(),
        checkpoints=checkpoints,
        datasets=_datasets(settings.data_root),
        free_disk_gb=round(disk, 1),
        packages={name: version or "missing" for name, version in versions.items()},
        problems=_problems(versions, checkpoints, disk, settings),
    )


def _problems(
    versions: dict[str, str | None], checkpoints: list[str], disk: float, settings: Settings
) -> list[str]:
    problems = []
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        problems.append(
            f"not installed: {', '.join(missing)}; run 'pip install -r requirements.txt'"
        )
    if not checkpoints:
        problems.append(
            f"no checkpoint in {settings.checkpoints}; check out the repository's own, "
            "or run checkpoints/download_ckpts.sh"
        )
    if disk < NEEDED_DISK_GB:
        problems.append(
            f"only {disk:.1f} GB of disk left where runs are written; free {NEEDED_DISK_GB:.0f} GB"
        )
    return problems


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _torch() -> tuple[str, list[str]]:
    try:
        import torch
    except (ImportError, OSError) as problem:
        return f"does not import: {problem}", []
    if torch.cuda.is_available():
        cards = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
        return torch.__version__, [f"{c.name}, {c.total_memory / 1e9:.0f} GB" for c in cards]
    if torch.backends.mps.is_available():
        return torch.__version__, ["Apple GPU (MPS), shares the machine's memory"]
    return torch.__version__, []


def _bfloat16() -> str:
    try:
        from floorseg.core.device import computes_in_bfloat16, resolve_device
    except (ImportError, OSError):
        return ""
    if computes_in_bfloat16(resolve_device()):
        return "yes: trainings that ask for it use it"
    return "only emulated, which is slow: trainings run in float32"


def _driver() -> str:
    if shutil.which("nvidia-smi") is None:
        return "no NVIDIA driver found"
    asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    answer = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=False)
    return answer.stdout.split("\n", 1)[0].strip() or "no NVIDIA driver found"


def _found(folder: Path, patterns: tuple[str, ...]) -> list[str]:
    return sorted(str(path) for pattern in patterns for path in folder.glob(pattern))


def _datasets(root: Path) -> list[str]:
    if not root.is_dir():
        return []
    return sorted(str(folder) for folder in root.iterdir() if folder.is_dir())


def _existing(folder: Path) -> Path:
    folder = folder.absolute()
    return next(parent for parent in (folder, *folder.parents) if parent.exists())


def _show(diagnosis: Diagnosis) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    found = diagnosis
    rows = {
        "floorseg": found.floorseg,
        "Python": f"{found.python} on {found.platform}",
        "processor, memory": f"{found.processors} cores, {found.memory_gb} GB",
        "torch": found.torch,
        "GPU": "\n".join(found.gpus) or "no GPU found: the nano models are made for that",
        "bfloat16": found.bfloat16,
        "driver": found.driver,
        "checkpoints": "\n".join(found.checkpoints) or "none",
        "datasets": "\n".join(found.datasets) or "none yet (unzip them into floorplan_datasets/)",
        "free disk": f"{found.free_disk_gb} GB",
        "packages": ", ".join(f"{name} {version}" for name, version in found.packages.items()),
    }
    for name, value in rows.items():
        table.add_row(f"[bold]{name}[/bold]", value)
    console.print(table)
    for problem in diagnosis.problems:
        console.print(f"[red]missing:[/red] {problem}")
    if not diagnosis.problems:
        console.print("[green]Everything floorseg needs is here.[/green]")
