"""Training that can be watched, stopped, resumed and believed.

On sam2's own ``Trainer``: model, optimizer, schedules, losses and data come from the same Hydra
config. What is different: it runs on a CPU, validates, keeps best and last, reports progress to a
run folder, stops cleanly, resumes exactly, and can change resolution on the way.
"""

import logging
import math
import signal
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate
from training.trainer import CORE_LOSS_KEY, DistributedConf, LoggingConf, OptimConf
from training.trainer import CheckpointConf as Sam2CheckpointConf
from training.utils.data_utils import BatchedVideoDatapoint
from training.utils.train_utils import get_amp_type, set_seeds

from floorseg.errors import RunError
from floorseg.runs import RunFolder, RunState
from floorseg.training import state as saved
from floorseg.training.dataset import plans_of
from floorseg.training.ema import MovingAverage
from floorseg.training.pictures import PLANS, draw_predictions
from floorseg.training.portions import portions
from floorseg.training.reporting import RunningMeans, report_resumed, report_step, report_validation
from floorseg.training.schedule import Schedule
from floorseg.training.staged import StagedTrainer
from floorseg.training.still import unwrap

logger = logging.getLogger(__name__)


class Trainer(StagedTrainer):
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
        patience: end early after so many validations without a better score; None for never.
        images_at_once: learn from a batch in portions of so many images; None for the whole.
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
        patience: int | None = None,
        images_at_once: int | None = None,
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
        self.patience, self.images_at_once = patience, images_at_once
        self._setup_distribution(accelerator, DistributedConf(**distributed or {}), cuda)
        self._setup_precision()
        set_seeds(seed_value, max_epochs, self.distributed_rank)
        self._setup_components()
        self._move_to_device()
        self._construct_optimizers()
        self._setup_dataloaders()
        self.validation = instantiate(validation) if validation else None
        self.average = MovingAverage(self.model, ema_decay) if ema_decay else None
        self.reset_position()
        self.load_checkpoint()
        self._setup_ddp_distributed_training(DistributedConf(**distributed or {}), accelerator)

    def run(self) -> None:
        """Train to the end of the schedule, or until told to stop; everything is saved.

        Raises:
            RunError: if the loss is no longer a number.
        """
        before = {s: signal.signal(s, self._ask_to_stop) for s in (signal.SIGTERM, signal.SIGINT)}
        try:
            while not self._is_done() and not self._must_stop():
                self._train_round()
                self.save_checkpoint(self.epoch)
                if not self.stop_requested and self._validate():
                    self.save_checkpoint(self.epoch)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        done = self._is_done()
        if not done:
            self.save_checkpoint(self.epoch)
        self.outcome = RunState.FINISHED if done else RunState.STOPPED
        self.record("end", state=self.outcome, step=self.steps["train"], best=self.best_score)

    def _is_done(self) -> bool:
        """Whether the schedule is at its end, or nothing has become better for long enough."""
        if self.patience is not None and self.stale >= self.patience:
            logger.info("no better score in %d validations: this is the end", self.stale)
            return True
        return self.spent >= self.schedule.length - 1e-9

    def _train_step(self, batch: BatchedVideoDatapoint, terms: RunningMeans) -> None:
        step = self.steps["train"]
        batch = batch.to(self.device, non_blocking=True)
        self.where = min(self.spent / self.schedule.length, 1 - 1e-6)
        self.optim.step_schedulers(self.where, step=step)
        self.optim.zero_grad(set_to_none=True)
        losses = self._learn(batch)
        if self.gradient_clipper is not None:
            self.scaler.unscale_(self.optim.optimizer)
            self.gradient_clipper(model=self.model)
        self.scaler.step(self.optim.optimizer)
        self.scaler.update()
        if self.average is not None:
            self.average.update()
        self.steps["train"] += 1
        # every process takes as many: what is told is what all of them did together
        images = batch.img_batch.shape[0] * batch.img_batch.shape[1] * self.processes
        self.images_seen += images
        self._advance()
        terms.add(losses, images)
        report_step(self, step, terms)

    def _learn(self, batch: BatchedVideoDatapoint) -> dict[str, torch.Tensor]:
        """Gradients of a batch, portion by portion; its losses, means over its objects."""
        total: dict[str, torch.Tensor] = {}
        for portion in portions(batch, self.images_at_once):
            losses = self._losses(portion.batch)
            core = losses.pop(CORE_LOSS_KEY)
            self._check_finite(core, portion.batch)
            self.scaler.scale(core * portion.share).backward()
            for name, value in {"loss": core, **losses}.items():
                mine = portion.share * torch.as_tensor(value).detach()
                total[name] = total[name] + mine if name in total else mine
        return total

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
        plans = ", ".join(str(path) for path in plans_of(batch, self.train_dataset))
        raise RunError(
            f"the loss is {loss.item()} at step {self.steps['train']}, on {plans}; the last good "
            f"weights are in {self.run_folder.checkpoints}; look at what is drawn there, or lower "
            "base_lr and resume"
        )

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
            self.stale += 1
            if scores[self.keep_best] > self.best_score:
                self.best_score, self.stale = scores[self.keep_best], 0
                self._save_best(scores)
            self._draw(model)
        report_validation(self, scores)
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
            report_resumed(self)
        else:
            self._init_model_state()
            if self.average is not None:
                self.average = MovingAverage(self.model, self.average.decay)

    def _draw(self, model: torch.nn.Module) -> None:
        """A picture of what the model sees now on a few validation plans."""
        draw = getattr(self.validation, "examples", None)
        if self.distributed_rank == 0 and draw is not None:
            name = f"step-{self.steps['train']:07d}.jpg"
            examples = draw(model, PLANS)
            draw_predictions(examples, self.run_folder.path / "pictures" / name)

    def _save_best(self, scores: Mapping[str, float]) -> None:
        if self.distributed_rank == 0:
            saved.save_for_inference(self, Path(self.checkpoint_conf.save_dir) / saved.BEST, scores)
