"""Where in its schedule a training is: stages, epochs, rounds, and how to go on from there."""

import logging
import math
import signal
import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from training.utils.data_utils import BatchedVideoDatapoint

from floorseg.errors import ConfigError
from floorseg.runs import RunState
from floorseg.training import state as saved
from floorseg.training.adapted import TOO_FEW, AdaptedTrainer
from floorseg.training.dataset import set_image_size
from floorseg.training.reporting import RunningMeans
from floorseg.training.schedule import Schedule, Unit
from floorseg.training.still import unwrap

logger = logging.getLogger(__name__)


class StagedTrainer(AdaptedTrainer):
    """Trains in rounds, from one validation to the next, through the stages of a schedule."""

    schedule: Schedule
    validate_every: float
    max_minutes: float | None

    @abstractmethod
    def _train_step(self, batch: BatchedVideoDatapoint, terms: RunningMeans) -> None:
        """Learn from one batch."""

    def reset_position(self) -> None:
        """At the beginning of a run."""
        self._signalled = False  # this process was asked to stop
        self.stop_requested = False  # all of them know, and stop at the same step
        self.outcome = RunState.RUNNING
        self.batch_in_epoch = 0  # batches of the current epoch that have been trained on
        self.batches_an_epoch = 1
        self.spent = 0.0  # of the schedule, in its unit
        self.next_validation = self.validate_every
        self.best_score = -math.inf
        self.stale = 0  # validations since the best one
        self.images_seen = 0
        self._stage: int | None = None
        self._stage_before: int | None = None  # the one a resumed run was saved in
        self._restored_rng: dict[str, Any] | None = None
        self._minutes_before = 0.0
        self._started = time.monotonic()

    def minutes(self) -> float:
        """Minutes this run has taken, earlier parts of it included."""
        return self._minutes_before + (time.monotonic() - self._started) / 60

    def position(self) -> dict[str, Any]:
        """Where in its schedule the run is, for a checkpoint."""
        return {
            "batch_in_epoch": self.batch_in_epoch,
            "spent": self.spent,
            "next_validation": self.next_validation,
            "best_score": self.best_score,
            "stale": self.stale,
            "images_seen": self.images_seen,
            "minutes": self.minutes(),
            "stage": self._stage,
        }

    def restore_position(self, position: Mapping[str, Any], rng: Mapping[str, Any]) -> None:
        """Where a saved run was; its random numbers go on from there at the next batch."""
        self.batch_in_epoch = position["batch_in_epoch"]
        self.spent = position["spent"]
        self.next_validation = position["next_validation"]
        self.best_score = position["best_score"]
        self.stale = position.get("stale", 0)
        self.images_seen = position["images_seen"]
        self._minutes_before = position["minutes"]
        self._started = time.monotonic()
        self._stage_before = position["stage"]
        self._restored_rng = dict(rng)

    def _must_stop(self) -> bool:
        late = self.max_minutes is not None and self.minutes() >= self.max_minutes
        # a signal that comes while they agree is for the next time they do
        asked, overdue = self._agree([self._signalled, late])
        self.stop_requested = bool(asked)
        return bool(asked or overdue)

    def _advance(self) -> None:
        self.batch_in_epoch += 1
        if self.schedule.unit is Unit.STEPS:
            self.spent += 1
        elif self.schedule.unit is Unit.MINUTES:
            self.spent = self._agree([self.minutes()])[0]
        else:
            self.spent = self.epoch + self.batch_in_epoch / self.batches_an_epoch

    def _ask_to_stop(self, number: int, _: object) -> None:
        logger.info("asked to stop (%s): saving after this step", signal.Signals(number).name)
        self._signalled = True

    def _train_round(self) -> None:
        self.model.train()
        terms = RunningMeans()
        while not self._round_is_over():
            self._enter_stage(self.schedule.at(self.spent))
            for batch in self._batches():
                self._train_step(batch, terms)
                if self._round_is_over() or self.schedule.at(self.spent) != self._stage:
                    break
            else:
                self._end_epoch()
        self.next_validation = max(self.next_validation, self.spent) + self.validate_every
        if self.schedule.unit is Unit.EPOCHS:
            self.next_validation = round(self.next_validation, 6)

    def _round_is_over(self) -> bool:
        ends = min(self.next_validation, self.schedule.length)
        return self.spent >= ends - 1e-9 or self._must_stop()

    def _end_epoch(self) -> None:
        self.epoch += 1
        self.batch_in_epoch = 0
        if self.schedule.unit is Unit.EPOCHS:
            self.spent = float(self.epoch)

    def _enter_stage(self, index: int) -> None:
        if index == self._stage:
            return
        begins = self._stage is None and self._stage_before in (None, index)
        self._stage = index
        stage = self.schedule.stages[index]
        if stage.image_size is not None:
            if not set_image_size(self.train_dataset, stage.image_size):
                raise ConfigError(
                    "stages change image_size, but no dataset of this config can: use "
                    "floorseg.training.dataset.PlanDataset, or leave image_size out"
                )
            unwrap(self.model).set_image_size(stage.image_size)
        if stage.batch_sizes is not None:
            self.train_dataset.batch_sizes = list(stage.batch_sizes)
        if not begins:
            self._end_epoch()
        self.record("stage", index=index, image_size=self.image_size, batch=stage.batch_sizes)

    @property
    def image_size(self) -> int:
        """Pixels a side at which the model works now."""
        return int(unwrap(self.model).image_size)

    def _batches(self) -> Iterator[BatchedVideoDatapoint]:
        """What is left of the current epoch."""
        done = self.batch_in_epoch
        if not done:
            self._continue_random_numbers()
        loader = self.train_dataset.get_loader(epoch=int(self.epoch))
        self.batches_an_epoch = len(loader)
        if self.batches_an_epoch == 0:
            raise ConfigError(TOO_FEW)
        for index, batch in enumerate(loader):
            if index < done:
                continue  # resumed in the middle of an epoch: these were trained on before
            self._continue_random_numbers()
            yield batch

    def _continue_random_numbers(self) -> None:
        if self._restored_rng is not None:
            saved.restore_rng(self._restored_rng, unwrap(self.model))
            self._restored_rng = None
