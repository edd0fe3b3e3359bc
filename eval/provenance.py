"""Where an evaluation's figures come from: weights, data, versions, machine, command."""

import platform
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
from floorseg.core.architectures import recognise
from floorseg.core.checkpoint_file import digest
from floorseg.core.closeup import CloseUpPredictor

PACKAGES = ("floorseg", "torch", "torchvision", "sam2", "numpy", "opencv-python-headless",
            "pycocotools")  # fmt: skip


def checkpoint_facts(plan: EvalPlan, path: Path | None, predictor: Any) -> CheckpointFacts:
    """Which weights these are.

    Args:
        plan: names them.
        path: their file; None for a predictor that has none.
        predictor: what answered; a model without parameters counts as none.
    """
    model = getattr(predictor, "model", predictor)
    weights = model.parameters() if hasattr(model, "parameters") else ()
    return CheckpointFacts(
        name=plan.name,
        file=str(path or ""),
        sha256=digest(path) if path else "",
        architecture=_architecture(model),
        parameters=sum(weight.numel() for weight in weights),
        image_size=int(getattr(model, "image_size", 0)),
        close_ups=isinstance(predictor, CloseUpPredictor),
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


def environment(
    records: Mapping[int, Mapping[str, Any]], command: Iterable[str] = ()
) -> Environment:
    """When, with which versions, and where: on the devices that the pictures were evaluated on."""
    devices = dict.fromkeys(record["device"] for record in records.values() if "device" in record)
    return Environment(
        command=shlex.join(command or ["python", *sys.orig_argv[1:]]),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        device=", ".join(devices),
        versions={"python": platform.python_version()}
        | {name: found for name in PACKAGES if (found := _version(name))},
    )


def device_name(device: torch.device | str | None) -> str:
    """A device with the name of its chip."""
    kind = str(device or "cpu")
    if kind.startswith("cuda"):
        return f"{kind}: {torch.cuda.get_device_name(kind)}"
    return f"{kind}: {_processor()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _architecture(model: Any) -> str:
    """As the list of architectures calls it; the class's name where it is none of them."""
    shapes = (
        {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
        if hasattr(model, "state_dict")
        else {}
    )
    known = recognise(shapes)
    return known.name if known is not None else type(model).__name__


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
