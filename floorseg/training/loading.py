"""The processes that load plans for the one that learns: how many, and how they end."""

import signal
from typing import Any

import cv2
import torch

from floorseg.data.parallel import processors

MOST_LOADING = 12  # processes that load plans for one loader
GRACE = 30  # seconds that a loading process goes on after it was told to end


def share_cores(train: Any, device: torch.device, learning: int = 1) -> None:
    """Settle how many processes load plans, where a configuration leaves it open.

    Args:
        train: the configuration of sam2's mixed dataset, which has a loader for each dataset.
        device: what learns.
        learning: processes that learn on this machine.
    """
    if "num_workers" in train and train.num_workers is None:
        train.num_workers = loading_processes(device, learning * len(train.datasets))
    if train.get("num_workers"):
        # as many threads of OpenCV's as there are cores, in each of as many processes, get in
        # each other's way; and one that was forked cannot set it: it waits for them for ever
        cv2.setNumThreads(1)


def loading_processes(device: torch.device, sharing: int = 1) -> int:
    """How many processes read plans for each loader.

    None on a CPU, whose cores learn, nor beside an Apple GPU, where a process starts slowly.

    Args:
        device: what learns.
        sharing: loaders on this machine, which share its cores.
    """
    if device.type != "cuda":
        return 0
    return min(MOST_LOADING, max(1, (processors() - 1) // sharing))


def outlive_signals(_: int) -> None:
    """Set a process that loads plans up to be ended by the one that learns, not by a signal.

    Who stops a run (Ctrl-C, SLURM) signals all its processes. The one that learns finishes its step
    and ends these itself, which it cannot if they are gone; only if it does not, they go.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: signal.alarm(GRACE))
