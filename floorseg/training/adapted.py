"""sam2's trainer where it assumes CUDA, several processes, or meters that do not ship."""

import logging
import os
from collections.abc import Sequence
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from training.trainer import CudaConf
from training.trainer import Trainer as Sam2Trainer

from floorseg.core.device import only_emulates
from floorseg.core.model import resolve_device
from floorseg.errors import ConfigError
from floorseg.runs import RunFolder
from floorseg.training import loading
from floorseg.training.dataset import raw_datasets

logger = logging.getLogger(__name__)

TOO_FEW = (
    "an epoch has no batch: the dataset has fewer plans than batch_sizes asks for; lower the batch "
    "size or raise the multiplier"
)


class AdaptedTrainer(Sam2Trainer):
    """Runs on a CPU, in one process or several, with any keys; tells the run folder its data."""

    run_folder: RunFolder

    def _setup_distribution(self, accelerator: str, distributed: Any, cuda: Any) -> None:
        self.device = resolve_device(accelerator)
        self._infer_distributed_backend_if_none(distributed, self.device.type)
        if self.device.type != "cuda":
            distributed.backend = "gloo"
        self._setup_device(accelerator)
        if int(os.environ.get("WORLD_SIZE", "1")) == 1 and not torch.distributed.is_initialized():
            # one process talks to nobody: no port, no waiting for one to be free again
            _set_cuda_up(CudaConf(**cuda or {}))
            store = torch.distributed.HashStore()
            torch.distributed.init_process_group(
                distributed.backend, store=store, rank=0, world_size=1
            )
        if not torch.distributed.is_initialized():
            self._setup_torch_dist_and_backend(CudaConf(**cuda or {}), distributed)
        self.rank = torch.distributed.get_rank()
        self.processes = torch.distributed.get_world_size()

    def _setup_precision(self) -> None:
        """bfloat16 only where the device has it: emulated, a step takes many times as long."""
        amp = self.optim_conf.amp
        if amp.enabled and only_emulates(amp.amp_dtype, self.device):
            amp.enabled = False
            if self.distributed_rank == 0:
                logger.info("%s only emulates %s: training in float32", self.device, amp.amp_dtype)

    def _setup_device(self, accelerator: str) -> None:
        self.distributed_rank = int(os.environ.get("RANK", "0"))
        self.local_rank = int(os.environ.get("LOCAL_RANK", "0"))
        if self.device.type == "cuda":
            self.device = torch.device("cuda", self.local_rank)
            torch.cuda.set_device(self.local_rank)

    def _setup_ddp_distributed_training(self, distributed_conf: Any, accelerator: str) -> None:
        if self.processes > 1:
            distributed_conf.find_unused_parameters = True  # a still image leaves the memory unused
            super()._setup_ddp_distributed_training(distributed_conf, self.device.type)

    def _check_val_key_match(self, val_keys: Any, phase: str) -> None:
        """Nothing: the upstream check refuses ``all``, the one key that every config uses."""

    def _setup_dataloaders(self) -> None:
        self.val_dataset = None
        here = min(self.processes, max(1, torch.cuda.device_count()))
        loading.share_cores(self.data_conf.train, self.device, here)
        try:
            self.train_dataset = instantiate(self.data_conf.train)
        except InstantiationException as problem:
            if isinstance(problem.__cause__, ZeroDivisionError):  # upstream divides by batches
                raise ConfigError(TOO_FEW) from problem
            raise
        if getattr(self.train_dataset, "worker_init_fn", False) is None:
            self.train_dataset.worker_init_fn = loading.outlive_signals
        if self.distributed_rank == 0:
            facts = [raw.facts() for raw in raw_datasets(self.train_dataset)]
            self.run_folder.write_json("data.json", {"train": facts})

    def _agree(self, mine: Sequence[float]) -> list[float]:
        """The largest of each number over all processes: they must take the same turns."""
        if self.processes == 1:
            return list(mine)
        numbers = torch.tensor(mine, dtype=torch.float64, device=self.device)
        torch.distributed.all_reduce(numbers, op=torch.distributed.ReduceOp.MAX)
        return [float(number) for number in numbers]

    def record(self, kind: str, **facts: Any) -> None:
        """Write an event into the run folder, from the first process only."""
        if self.distributed_rank == 0:
            self.run_folder.record(kind, **facts)


def _set_cuda_up(conf: CudaConf) -> None:
    """What upstream does on its way to the other processes, which one process does not go."""
    if not torch.cuda.is_available():
        return
    products, convolutions = conf.matmul_allow_tf32, conf.cudnn_allow_tf32
    cudnn = torch.backends.cudnn
    cudnn.deterministic, cudnn.benchmark = conf.cudnn_deterministic, conf.cudnn_benchmark
    torch.backends.cuda.matmul.allow_tf32 = conf.allow_tf32 if products is None else products
    cudnn.allow_tf32 = conf.allow_tf32 if convolutions is None else convolutions
