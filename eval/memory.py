"""The most memory this process has held since it began with a checkpoint."""

import resource
import sys
from pathlib import Path

import torch

_STATUS, _FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # see proc(5): sets VmHWM to what is held now


def forget_peak() -> None:
    """Begin to measure anew, so that one checkpoint is not charged with another's memory."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.reset_peak_memory_stats()
    try:
        _FORGET.write_text(_RESET_PEAK)
    except OSError:  # not Linux, or not allowed: the peak stays that of the whole process
        return


def peak_memory_mb() -> float:
    """The GPU's where one was used, else the machine's."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        return torch.cuda.max_memory_allocated() / 1e6
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 1e6 if sys.platform == "darwin" else peak / 1e3  # bytes there, kB here
    return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1.024e-3
