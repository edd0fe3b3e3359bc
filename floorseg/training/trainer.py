"""Training that can be watched, stopped, resumed and believed.

On sam2's own ``Trainer``: model, optimizer, schedules, losses and data come from the same Hydra
config. What is different: it runs on a CPU, validates, keeps best and last, reports progress to a
run folder, stops cleanly, resumes exactly, and can change resolution on the way.
"""

import logging
import math
import os
import signal
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from training.trainer import CORE_LOSS_KEY, CudaConf, DistributedConf, LoggingConf, OptimConf
from training.trainer import CheckpointConf as Sam2CheckpointConf
from training.trainer import Trainer as Sam2Trainer
from training.utils.data_utils import BatchedVideoDatapoint
from training.utils.train_utils import get_amp_type, set_seeds

from floorseg.core.model import resolve_device
from floorseg.errors import ConfigError, RunError
from floorseg.runs import RunFolder, RunState
from floorseg.training import state as saved
from floorseg.training.dataset import raw_datasets, set_image_size
from floorseg.training.ema import MovingAverage
from floorseg.training.schedule import Schedule, Unit
from floorseg.training.still import unwrap

logger = logging.getLogger(__name__)

_TOO_FEW = (
    "an epoch has no batch: the dataset has fewer plans than batch_sizes asks for; lower the batch "
    "size or raise the multiplier"
)


class Trainer(Sam2Trainer):
    """sam2's trainer on one image a sample.

    Takes everything sam2's does, and:

    Args:
        run: the run folder; None makes the trainer write beside ``logging.log_dir``.
        stages: parts of the run with their own resolution, see :class:`Schedule`.
        stage_unit: what their length is counted in: epochs, steps or minutes.
        validate_every: validation and checkpoint after so much, in the same unit.
        validation: called with the model, answers scores; None trains without.
        keep_best: the score by which the best checkpoint is chosen.
        ema_decay: moving average of the weights, validated and saved as best; 0 for none.
        max_minutes: stop cleanly after so long, everything saved.
        architecture: name noted in checkpoints for inference.
    """

    def __init__(
        self,
        *,
        data: Any,
        model: Any,
        logging: Any,
        checkpoint: Any,
        max_epochs: int,
        mode: str = "train",
        accelerator: str = "auto",
        seed_value: int = 123,
        val_epoch_freq: int = 1,
        distributed: Any = None,
        cuda: Any = None,
        env_variables: Mapping[str, str] | None = None,
        optim: Any = None,
        optim_overrides: Any = None,
        meters: Any = None,
        loss: Any = None,
        run: str | None = None,
        stages: Sequence[Mapping[str, Any]] | None = None,
        stage_unit: str = "epochs",
        validate_every: float = 1,
        validation: Any = None,
        keep_best: str = "click1",
        ema_decay: float = 0.0,
        max_minutes: float | None = None,
        architecture: str | None = None,
    ) -> None:
        self._setup_env_variables(env_variables)
        self._setup_timers()
        self.data_conf, self.model_conf, self.loss_conf = data, model, loss
        self.meters_conf = meters
        self.logging_conf = LoggingConf(**logging)
        self.checkpoint_conf = Sam2CheckpointConf(**checkpoint).infer_missing()
        self.optim_conf = OptimConf(**optim)
        self.max_epochs, self.mode, self.val_epoch_freq = max_epochs, mode, val_epoch_freq
        self.seed_value = seed_value
        self.where = 0.0
        self.run_folder = RunFolder(Path(run or self.logging_conf.log_dir).resolve())
        self.run_folder.path.mkdir(parents=True, exist_ok=True)
        self.schedule = Schedule.read(stages, stage_unit, max_epochs)
        self.validate_every = float(validate_every)
        self.keep_best, self.max_minutes = keep_best, max_minutes
        self.architecture = architecture
        self._setup_distribution(accelerator, DistributedConf(**distributed or {}), cuda)
        set_seeds(seed_value, max_epochs, self.distributed_rank)
        self._setup_components()
        self._move_to_device()
        self._construct_optimizers()
        self._setup_dataloaders()
        self.validation = instantiate(validation) if validation else None
        self.average = MovingAverage(self.model, ema_decay) if ema_decay else None
        self._reset_position()
        self.load_checkpoint()
        self._setup_ddp_distributed_training(DistributedConf(**distributed or {}), accelerator)

    def run(self) -> None:
        """Train to the end of the schedule, or until told to stop; everything is saved.

        Raises:
            RunError: if the loss is no longer a number.
        """
        before = {s: signal.signal(s, self._ask_to_stop) for s in (signal.SIGTERM, signal.SIGINT)}
        try:
            while self.spent < self.schedule.length - 1e-9 and not self._must_stop():
                self._train_round()
                self.save_checkpoint(self.epoch)
                if not self.stop_requested and self._validate():
                    self.save_checkpoint(self.epoch)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        done = self.spent >= self.schedule.length - 1e-9
        if not done:
            self.save_checkpoint(self.epoch)
        self.outcome = RunState.FINISHED if done else RunState.STOPPED
        self._record("end", state=self.outcome, step=self.steps["train"], best=self.best_score)

    # -- position ------------------------------------------------------------------------------

    def _reset_position(self) -> None:
        self.stop_requested = False
        self.outcome = RunState.RUNNING
        self.batch_in_epoch = 0  # batches of the current epoch that have been trained on
        self.batches_an_epoch = 1
        self.spent = 0.0  # of the schedule, in its unit
        self.next_validation = self.validate_every
        self.best_score = -math.inf
        self.images_seen = 0
        self._stage: int | None = None
        self._stage_before: int | None = None  # the one a resumed run was saved in
        self._restored_rng: dict[str, Any] | None = None
        self._minutes_before = 0.0
        self._round_started = time.monotonic()
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
        self.images_seen = position["images_seen"]
        self._minutes_before = position["minutes"]
        self._started = time.monotonic()
        self._stage_before = position["stage"]
        self._restored_rng = dict(rng)

    def _must_stop(self) -> bool:
        late = self.max_minutes is not None and self.minutes() >= self.max_minutes
        asked, late = self._agree([self.stop_requested, late])
        self.stop_requested = bool(asked)
        return bool(asked or late)

    def _agree(self, mine: Sequence[float]) -> list[float]:
        """The largest of each number over all processes: they must take the same turns."""
        if torch.distributed.get_world_size() == 1:
            return list(mine)
        numbers = torch.tensor(mine, dtype=torch.float64, device=self.device)
        torch.distributed.all_reduce(numbers, op=torch.distributed.ReduceOp.MAX)
        return [float(number) for number in numbers]

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
        self.stop_requested = True

    # -- one round: from one validation to the next ----------------------------------------------

    def _train_round(self) -> None:
        self.model.train()
        terms = _RunningMeans()
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
        self._record("stage", index=index, image_size=self.image_size, batch=stage.batch_sizes)

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
            raise ConfigError(_TOO_FEW)
        for index, batch in enumerate(loader):
            if index < done:
                continue  # resumed in the middle of an epoch: these were trained on before
            self._continue_random_numbers()
            yield batch

    def _continue_random_numbers(self) -> None:
        if self._restored_rng is not None:
            saved.restore_rng(self._restored_rng, unwrap(self.model))
            self._restored_rng = None

    # -- one step --------------------------------------------------------------------------------

    def _train_step(self, batch: BatchedVideoDatapoint, terms: "_RunningMeans") -> None:
        step = self.steps["train"]
        batch = batch.to(self.device, non_blocking=True)
        self.where = min(self.spent / self.schedule.length, 1 - 1e-6)
        self.optim.step_schedulers(self.where, step=step)
        self.optim.zero_grad(set_to_none=True)
        losses = self._losses(batch)
        core = losses.pop(CORE_LOSS_KEY)
        self._check_finite(core, batch)
        self.scaler.scale(core).backward()
        if self.gradient_clipper is not None:
            self.scaler.unscale_(self.optim.optimizer)
            self.gradient_clipper(model=self.model)
        self.scaler.step(self.optim.optimizer)
        self.scaler.update()
        if self.average is not None:
            self.average.update()
        self.steps["train"] += 1
        images = batch.img_batch.shape[0] * batch.img_batch.shape[1]
        self.images_seen += images
        self._advance()
        terms.add({"loss": core, **losses}, images)
        self._report(step, terms)

    def _losses(self, batch: BatchedVideoDatapoint) -> dict[str, torch.Tensor]:
        amp = self.optim_conf.amp
        with torch.autocast(
            self.device.type, enabled=amp.enabled, dtype=get_amp_type(amp.amp_dtype)
        ):
            outputs = self.model(batch)
        losses = self.loss[batch.dict_key](outputs, batch.masks)
        return dict(losses) if isinstance(losses, Mapping) else {CORE_LOSS_KEY: losses}

    def _check_finite(self, loss: torch.Tensor, batch: BatchedVideoDatapoint) -> None:
        if math.isfinite(loss.item()):
            return
        plans = sorted(set(batch.metadata.unique_objects_identifier[0][:, 0].tolist()))
        raise RunError(
            f"the loss is {loss.item()} at step {self.steps['train']} (plans {plans} of the "
            f"dataset); the last good weights are in {self.run_folder.checkpoints}; look at these "
            "plans, or lower base_lr and resume"
        )

    def _report(self, step: int, terms: "_RunningMeans") -> None:
        every = self._log_interval()
        if step % every:
            return
        means, images, seconds = terms.take()
        rate = self.optim.optimizer.param_groups[0]["lr"]
        for name, value in means.items():
            self.logger.log(f"train/{name}", value, step)
        self.logger.log("train/learning_rate", rate, step)
        self.logger.log("train/images_per_second", images / seconds, step)
        facts = {name: round(value, 5) for name, value in means.items()}
        self._record(
            "step", step=step, epoch=self.epoch, where=round(self.where, 5), lr=rate,
            images_per_second=round(images / seconds, 2), minutes=round(self.minutes(), 3),
            image_size=self.image_size, **facts,
        )  # fmt: skip
        words = "  ".join(f"{name} {value:.4f}" for name, value in facts.items())
        logger.info(
            "step %d  %.1f %%  %s  %.1f images/s", step, 100 * self.where, words, images / seconds
        )

    def _log_interval(self) -> int:
        """Steps between two reports: at most ``log_freq``, fewer in a short run."""
        if self.schedule.unit is Unit.MINUTES:
            return max(1, self.logging_conf.log_freq)
        steps = self.schedule.length
        if self.schedule.unit is Unit.EPOCHS:
            steps *= self.batches_an_epoch
        return max(1, min(self.logging_conf.log_freq, int(steps) // 50))

    # -- validation and checkpoints ----------------------------------------------------------------

    def _validate(self) -> bool:
        """Score the weights as they would be used; whether there was anything to score on."""
        if self.validation is None:
            return False
        model = unwrap(self.model)
        with ExitStack() as stack, saved.preserved_rng(model), torch.no_grad():
            if self.average is not None:
                stack.enter_context(self.average.applied())
            model.eval()
            scores = self.validation(model)
            if scores[self.keep_best] > self.best_score:
                self.best_score = scores[self.keep_best]
                self._save_best(scores)
        step = self.steps["train"]
        for name, value in scores.items():
            self.logger.log(f"valid/{name}", value, step)
        rounded = {name: round(value, 4) for name, value in scores.items()}
        self._record(
            "validation", step=step, epoch=self.epoch, minutes=round(self.minutes(), 2),
            images_seen=self.images_seen, image_size=self.image_size,
            best=round(self.best_score, 4), **rounded,
        )  # fmt: skip
        words = "  ".join(f"{name} {value:.4f}" for name, value in rounded.items())
        logger.info("validation after step %d: %s (best %.4f)", step, words, self.best_score)
        return True

    def save_checkpoint(self, epoch: int, checkpoint_names: list[str] | None = None) -> None:
        """Write ``checkpoint.pt``, from which the run goes on exactly where it is now."""
        if self.distributed_rank != 0:
            return
        saved.save(self)

    def load_checkpoint(self) -> None:
        """Go on from the run's own checkpoint where it has one, else from the initial weights."""
        path = Path(self.checkpoint_conf.save_dir) / saved.LAST
        if path.is_file():
            saved.load(self, path)
            logger.info("resumed at step %d from %s", self.steps["train"], path)
        else:
            self._init_model_state()
            if self.average is not None:
                self.average = MovingAverage(self.model, self.average.decay)

    def _save_best(self, scores: Mapping[str, float]) -> None:
        if self.distributed_rank == 0:
            saved.save_for_inference(self, Path(self.checkpoint_conf.save_dir) / saved.BEST, scores)

    def _record(self, kind: str, **facts: Any) -> None:
        if self.distributed_rank == 0:
            self.run_folder.record(kind, **facts)

    # -- where sam2's trainer assumes CUDA, DDP or a metrics class -----------------------------------

    def _setup_distribution(self, accelerator: str, distributed: Any, cuda: Any) -> None:
        self.device = resolve_device(accelerator)
        self._infer_distributed_backend_if_none(distributed, self.device.type)
        if self.device.type != "cuda":
            distributed.backend = "gloo"
        self._setup_device(accelerator)
        if not torch.distributed.is_initialized():
            self._setup_torch_dist_and_backend(CudaConf(**cuda or {}), distributed)
        self.rank = torch.distributed.get_rank()

    def _setup_device(self, accelerator: str) -> None:
        self.distributed_rank = int(_environment("RANK"))
        self.local_rank = int(_environment("LOCAL_RANK"))
        if self.device.type == "cuda":
            self.device = torch.device("cuda", self.local_rank)
            torch.cuda.set_device(self.local_rank)

    def _setup_ddp_distributed_training(self, distributed_conf: Any, accelerator: str) -> None:
        if torch.distributed.get_world_size() > 1:
            distributed_conf.find_unused_parameters = True  # a still image leaves the memory unused
            super()._setup_ddp_distributed_training(distributed_conf, self.device.type)

    def _check_val_key_match(self, val_keys: Any, phase: str) -> None:
        """Nothing: the upstream check refuses ``all``, the one key that every config uses."""

    def _setup_dataloaders(self) -> None:
        self.val_dataset = None
        try:
            self.train_dataset = instantiate(self.data_conf.train)
        except InstantiationException as problem:
            if isinstance(problem.__cause__, ZeroDivisionError):  # upstream divides by batches
                raise ConfigError(_TOO_FEW) from problem
            raise
        if self.distributed_rank == 0:
            facts = [raw.facts() for raw in raw_datasets(self.train_dataset)]
            self.run_folder.write_json("data.json", {"train": facts})


class _RunningMeans:
    """Means of the loss terms since the last report, and how fast images went by."""

    def __init__(self) -> None:
        self._clear()

    def add(self, terms: Mapping[str, Any], images: int) -> None:
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


def _environment(name: str) -> str:
    return os.environ.get(name, "0")
