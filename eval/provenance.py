"""Where an evaluation's figures come from: weights, data, versions, machine, command."""

import platform
import resource
import shlex
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from eval.plan import EvalPlan
from eval.protocols import find_protocol
from eval.report import CheckpointFacts, DataFacts, Environment, ProtocolFacts
from floorseg.core.checkpoint_file import digest

PACKAGES = ("floorseg", "torch", "torchvision", "sam2", "numpy", "opencv-python-headless",
            "pycocotools")  # fmt: skip


def checkpoint_facts(plan: EvalPlan, path: Path | None, model: Any) -> CheckpointFacts:
    """Which weights these are.

    Args:
        plan: names them.
        path: their file; None for a predictor that has none.
        model: the loaded model; anything without parameters counts as none.
    """
    weights = model.parameters() if hasattr(model, "parameters") else ()
    return CheckpointFacts(
        name=plan.name,
        file=str(path or ""),
        sha256=digest(path) if path else "",
        architecture=type(model).__name__,
        parameters=sum(weight.numel() for weight in weights),
        image_size=int(getattr(model, "image_size", 0)),
    )


def data_facts(plan: EvalPlan, records: Mapping[int, Mapping[str, Any]]) -> DataFacts:
    """Which pictures were evaluated, and the digest that a comparison goes by."""
    done = [record for record in records.values() if "digest" in record]
    found = blake2b(plan.sources.encode(), digest_size=16)
    for record in done:
        found.update(f"{record['image']} {record['digest']}\n".encode())
    return DataFacts(
        folder=plan.data,
        split=plan.split,
        digest=found.hexdigest(),
        images=len(done),
        objects=len({(r["image"], row["instance"]) for r in done for row in r["rows"]}),
        empty_masks=sum(record["empty"] for record in done),
        limit=plan.limit,
        labels=plan.labels,
    )


def protocol_facts(plan: EvalPlan) -> ProtocolFacts:
    """How the model was prompted."""
    protocol = find_protocol(plan.protocol)
    return ProtocolFacts(
        name=protocol.name,
        version=protocol.version,
        describes=protocol.describes,
        source=protocol.source,
        trials=protocol.trials,
        headline=protocol.headline,
        clicks=plan.most_clicks,
        seed=plan.seed,
        preset=plan.preset if protocol.name == "everything" else "",
    )


def environment(device: torch.device | str | None, command: Iterable[str] = ()) -> Environment:
    """Where and when it ran, and with which versions."""
    return Environment(
        command=shlex.join(command or ["python", *sys.orig_argv[1:]]),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        device=_device_name(device),
        versions={"python": platform.python_version()}
        | {name: found for name in PACKAGES if (found := _version(name))},
    )


def peak_memory_mb() -> float:
    """Most memory this process has held: the GPU's where one was used, else the machine's."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        return torch.cuda.max_memory_allocated() / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3  # bytes there, kilobytes here


def _device_name(device: torch.device | str | None) -> str:
    kind = str(device or "cpu")
    if kind.startswith("cuda"):
        return f"{kind}: {torch.cuda.get_device_name(kind)}"
    return f"{kind}: {platform.processor() or platform.machine()}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
