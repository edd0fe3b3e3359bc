"""What a training says while it runs: events, curves and words, of the same numbers."""

import logging
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from tensorboard.compat.proto.event_pb2 import Event, SessionLog

from floorseg.training.schedule import Unit

if TYPE_CHECKING:
    from floorseg.training.trainer import Trainer

logger = logging.getLogger("floorseg.training")


class RunningMeans:
    """Means of the loss terms since the last report, and how fast images went by."""

    def __init__(self) -> None:
        self._clear()

    def add(self, terms: Mapping[str, Any], images: int) -> None:
        """Count one step's terms."""
        for name, value in terms.items():
            self._sums[name] += float(torch.as_tensor(value).detach())
        self._count += 1
        self._images += images

    def take(self) -> tuple[dict[str, float], int, float]:
        """Means, images and seconds since the last call."""
        means = {name: value / max(self._count, 1) for name, value in self._sums.items()}
        result = means, self._images, max(time.monotonic() - self._since, 1e-6)
        self._clear()
        return result

    def _clear(self) -> None:
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._count = 0
        self._images = 0
        self._since = time.monotonic()


def report_step(trainer: "Trainer", step: int, terms: RunningMeans) -> None:
    """Tell of the steps since the last report, if it is time to."""
    if step % log_interval(trainer):
        return
    means, images, seconds = terms.take()
    rate = trainer.optim.optimizer.param_groups[0]["lr"]
    speed = images / seconds
    for name, value in means.items():
        trainer.logger.log(f"train/{name}", value, step)
    trainer.logger.log("train/learning_rate", rate, step)
    trainer.logger.log("train/images_per_second", speed, step)
    facts = {name: round(value, 5) for name, value in means.items()}
    trainer.record(
        "step", step=step, epoch=trainer.epoch, where=round(trainer.where, 5), lr=rate,
        images_per_second=round(speed, 2), minutes=round(trainer.minutes(), 3),
        image_size=trainer.image_size, **facts,
    )  # fmt: skip
    logger.info(
        "step %d  %.1f %%  %s  %.1f images/s", step, 100 * trainer.where, _words(facts), speed
    )


def report_resumed(trainer: "Trainer") -> None:
    """Tell from which step a run goes on: what it said of later steps before is void."""
    step = trainer.steps["train"]
    trainer.record("resumed", step=step)
    board = trainer.logger.tb_logger
    if board is not None and board.writer is not None:
        mark = SessionLog(status=SessionLog.SessionStatus.START)
        board.writer.file_writer.add_event(Event(session_log=mark), step)
    logger.info("goes on at step %d", step)


def report_validation(trainer: "Trainer", scores: Mapping[str, float]) -> None:
    """Tell how good the weights are now."""
    step = trainer.steps["train"]
    for name, value in scores.items():
        trainer.logger.log(f"valid/{name}", value, step)
    facts = {name: round(value, 4) for name, value in scores.items()}
    trainer.record(
        "validation", step=step, epoch=trainer.epoch, minutes=round(trainer.minutes(), 2),
        images_seen=trainer.images_seen, image_size=trainer.image_size,
        best=round(trainer.best_score, 4), **facts,
    )  # fmt: skip
    logger.info("validation after step %d: %s (best %.4f)", step, _words(facts), trainer.best_score)


def log_interval(trainer: "Trainer") -> int:
    """Steps between two reports: at most ``log_freq``, fewer in a short run."""
    at_most = max(1, trainer.logging_conf.log_freq)
    steps = trainer.schedule.length
    if trainer.schedule.unit is Unit.MINUTES:  # as far as the pace so far tells
        steps *= trainer.steps["train"] / max(trainer.minutes(), 1e-6)
    elif trainer.schedule.unit is Unit.EPOCHS:
        steps *= trainer.batches_an_epoch
    return max(1, min(at_most, int(steps) // 50))


def _words(facts: Mapping[str, Any]) -> str:
    return "  ".join(f"{name} {value:.4f}" for name, value in facts.items())
