"""Where a model runs and in which precision, and whether it fits.

Precision. Weights are float32 everywhere. Only the image encoder, nine tenths of the time of an
image, is worth bfloat16; the prompt encoder and the mask decoder stay in float32, so that a click
keeps its full precision. Only where hundreds of clicks vote on the rooms of a plan does a CPU with
AVX512_BF16 decode in bfloat16, too: 1.5 times as fast, masks agree at an IoU of 0.99.

- CUDA with native bfloat16 (Ampere and newer): "auto" is bfloat16, as in sam2's own notebooks.
- CPU and MPS: "auto" is float32. A CPU with AVX512_BF16 or AMX encodes faster in bfloat16 (nano at
  512 px 1.2 times, tiny 1.7 times), which one may ask for. Other CPUs only emulate bfloat16: on one
  with AVX2 a matrix product took sixty times as long as in float32.

The tolerance that is kept, and tested: masks of both precisions agree at a mean IoU of 0.98
(measured with random weights on real plans: 0.998).
"""

from contextlib import AbstractContextManager, nullcontext

import psutil
import torch

from floorseg.errors import CheckpointError, ConfigError

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """The device that is meant: "auto" is the first of CUDA, MPS, CPU that is there.

    Args:
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".

    Raises:
        ConfigError: if the device is unknown or not in this machine.
    """
    if str(device) == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        found = torch.device(device)
    except RuntimeError:
        found = None
    if found is None or found.type not in {"cpu", "cuda", "mps"}:
        raise ConfigError(f"device must be auto, cpu, cuda, cuda:N or mps, got {str(device)!r}")
    missing = _missing(found)
    if missing:
        raise ConfigError(f"device {str(device)!r} was asked for, but {missing}; use auto or cpu")
    return found


def encoder_dtype(device: torch.device, precision: str = "auto") -> torch.dtype:
    """The number format in which to encode images; see the head of this module for the policy.

    Args:
        device: where the model is.
        precision: "auto", "float32" or "bfloat16".

    Raises:
        ConfigError: if the precision is unknown.
    """
    if precision == "auto":
        native = device.type == "cuda" and computes_in_bfloat16(device)
        return torch.bfloat16 if native else torch.float32
    if precision not in PRECISIONS:
        raise ConfigError(f"precision must be auto, float32 or bfloat16, got {precision!r}")
    return PRECISIONS[precision]


def sweep_dtype(device: torch.device, precision: str = "auto") -> torch.dtype:
    """The number format in which to decode clicks that are counted, not shown.

    Args:
        device: where the model is.
        precision: "auto", "float32" or "bfloat16".
    """
    native = device.type == "cpu" and computes_in_bfloat16(device)
    return torch.bfloat16 if native and precision != "float32" else torch.float32


def only_emulates(dtype: str, device: torch.device) -> bool:
    """Whether a training that asks for ``dtype`` ("bfloat16", ...) is faster in float32 there."""
    return dtype == "bfloat16" and not computes_in_bfloat16(device)


def computes_in_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is the device's own, and so worth it; emulated, it is slower than float32.

    Args:
        device: CUDA from Ampere on and CPUs with AVX512_BF16 do; of an Apple GPU it is taken for
            granted.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":  # torch tells nobody else
        return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())
    return True


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager:
    """Compute in ``dtype`` inside the ``with`` block; float32 changes nothing."""
    if dtype is torch.float32:
        return nullcontext()
    return torch.autocast(device.type, dtype=dtype)


def available_memory(device: torch.device) -> int:
    """Bytes that a model could take on this device now; MPS shares the machine's."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return psutil.virtual_memory().available


def check_memory(needed: int, device: torch.device, what: str) -> None:
    """Refuse work that cannot fit, before it takes the machine down.

    Args:
        needed: bytes.
        device: where the work would go.
        what: its name, for the sentence.

    Raises:
        CheckpointError: if less than ``needed`` is available.
    """
    available = available_memory(device)
    if needed > available:
        raise CheckpointError(
            f"{what} needs about {needed / 1e9:.1f} GB on {device}, {available / 1e9:.1f} GB is "
            "free; close other programs or choose a smaller checkpoint"
        )


def _missing(device: torch.device) -> str | None:
    """Why the device cannot be used here, or None if it can."""
    if device.type == "mps" and not torch.backends.mps.is_available():
        return "torch finds no Apple GPU here"
    if device.type == "cuda":
        if not torch.cuda.is_available():
            build = "built without CUDA" if torch.version.cuda is None else "no driver answers"
            return f"torch {torch.__version__} finds no CUDA GPU here ({build})"
        count = torch.cuda.device_count()
        if (device.index or 0) >= count:
            return f"there are only {count} CUDA GPUs, counted from 0"
    return None
