"""How busy the machine is: GPUs through NVIDIA's library where there are any, CPU and memory."""

from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU now: its name, gigabytes used and there, and share of time it computes, in [0, 1]."""

    name: str
    used_gb: float
    total_gb: float
    busy: float


@dataclass(frozen=True, slots=True)
class Load:
    """The machine now.

    Attributes:
        cpu: share of all cores in use, in [0, 1].
        used_gb: memory in use; total_gb: memory there is.
        gpus: none on a machine without.
    """

    cpu: float
    used_gb: float
    total_gb: float
    gpus: tuple[Gpu, ...]


def machine_load() -> Load:
    """A look at the machine; costs milliseconds."""
    memory = psutil.virtual_memory()
    return Load(
        cpu=psutil.cpu_percent() / 100,
        used_gb=(memory.total - memory.available) / 1e9,
        total_gb=memory.total / 1e9,
        gpus=_gpus(),
    )


def _gpus() -> tuple[Gpu, ...]:
    from nvitop import Device, NVMLError

    try:
        devices = Device.all()
        return tuple(
            Gpu(
                str(device.name()),
                _number(device.memory_used()) / 1e9,
                _number(device.memory_total()) / 1e9,
                _number(device.gpu_utilization()) / 100,
            )
            for device in devices
        )
    except NVMLError:  # no driver here, or one that does not answer
        return ()


def _number(value: object) -> float:
    """nvitop answers "N/A" where a driver does not say."""
    return float(value) if isinstance(value, int | float) else 0.0
