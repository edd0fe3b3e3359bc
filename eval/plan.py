"""What an evaluation is: which checkpoint, data, protocol and seed. Written before it starts.

The plan lies in the report's folder; whoever resumes, or works on a part of it in another process
or on another machine, reads it there. Two plans that could give other numbers never share a folder.
"""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from eval.protocols import find_protocol
from floorseg.data.dataset import Dataset, open_dataset
from floorseg.data.spread import spread
from floorseg.errors import ConfigError, RunError

FILE = "plan.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalPlan:
    """Everything an evaluation's numbers depend on, and where it runs.

    Attributes:
        checkpoint: a file, or a name in the checkpoints folder.
        data: the dataset's folder.
        split: ``train``, ``valid``, ``test``; "" for a dataset without splits or all of it.
        protocol: a name of ``eval.protocols.PROTOCOLS``.
        clicks: most clicks an object gets; 0 for the protocol's own.
        seed: of every random draw.
        limit: so many pictures, spread evenly over the split; 0 for all.
        labels: only objects of these classes; all where empty.
        preset: of the protocol ``everything``.
        image_size: pixels the model works at; 0 for its own.
        close_ups: whether models of few pixels look from four sides, closely at what is small, at
            the middle of answers, and for lines where a mask may end, as they do elsewhere.
        device: where it runs; "auto", "cpu", "cuda", ...
        version: of the protocol.
        checkpoint_sha256: digest of the weights.
        sources: digest of the annotation files.
    """

    checkpoint: str
    data: str
    split: str = "test"
    protocol: str = "click"
    clicks: int = 0
    seed: int = 0
    limit: int = 0
    labels: tuple[str, ...] = ()
    preset: str = "rooms"
    image_size: int = 0
    close_ups: bool = True
    device: str = "auto"
    version: int = 0
    checkpoint_sha256: str = ""
    sources: str = ""

    def __post_init__(self) -> None:
        find_protocol(self.protocol)
        if self.clicks < 0 or self.limit < 0 or self.seed < 0:
            raise ConfigError(
                f"clicks, limit and seed are counted from 0, "
                f"got {self.clicks}, {self.limit}, {self.seed}"
            )

    @property
    def name(self) -> str:
        """What the checkpoint is called in tables and folders."""
        return checkpoint_name(self.checkpoint)

    @property
    def most_clicks(self) -> int:
        """Clicks an object gets at most."""
        return self.clicks or find_protocol(self.protocol).clicks

    def pinned(self, checkpoint_sha256: str) -> "EvalPlan":
        """The same plan with the versions and digests that its numbers depend on."""
        return replace(
            self,
            data=str(Path(self.data).resolve()),
            version=find_protocol(self.protocol).version,
            checkpoint_sha256=checkpoint_sha256,
            sources=digest_of_sources(self.dataset()),
        )

    def dataset(self) -> Dataset:
        """The pictures that are evaluated.

        Raises:
            DatasetError: if there is no such folder or split.
        """
        dataset = open_dataset(self.data, self.split or None)
        return replace(dataset, entries=tuple(spread(dataset.entries, self.limit)))


def digest_of_sources(dataset: Dataset) -> str:
    """Digest of the names and contents of the annotation files, in order."""
    found = blake2b(digest_size=16)
    for source in dict.fromkeys(entry.source for entry in dataset.entries):
        found.update(str(source.relative_to(dataset.folder)).encode())
        found.update(blake2b(source.read_bytes(), digest_size=16).digest())
    keys = [str(entry.key) for entry in dataset.entries]
    found.update(orjson.dumps(keys))
    return found.hexdigest()


def write_plan(folder: Path, plan: EvalPlan) -> None:
    """Claim a folder for a plan; finding the same plan there means to resume.

    Raises:
        RunError: if the folder holds another evaluation or cannot be written.
    """
    existing = read_plan(folder) if (folder / FILE).is_file() else None
    if existing is None:
        _save(folder, plan)
        return
    different = [
        name
        for name, value in asdict(plan).items()
        if name not in ("device", "checkpoint", "data") and getattr(existing, name) != value
    ]
    if different:
        name = different[0]
        raise RunError(
            f"{folder} holds another evaluation: its {name} is {getattr(existing, name)!r}, here "
            f"it is {getattr(plan, name)!r}; choose another --out"
        )


def read_plan(folder: Path) -> EvalPlan:
    """The plan that lies in a folder.

    Raises:
        RunError: if there is none.
    """
    try:
        fields: dict[str, Any] = orjson.loads((folder / FILE).read_bytes())
    except FileNotFoundError as missing:
        raise RunError(f"{folder} holds no evaluation: there is no {FILE} in it") from missing
    fields = {"close_ups": False} | fields  # of a time before there were any
    return EvalPlan(**{**fields, "labels": tuple(fields["labels"])})


def folders_for(out: Path, checkpoints: Sequence[str]) -> list[Path]:
    """A report folder for each checkpoint: ``out`` itself for one, folders in it for several."""
    if len(checkpoints) == 1:
        return [out]
    names = [checkpoint_name(checkpoint) for checkpoint in checkpoints]
    return [
        out / (name if name not in names[:i] else f"{name}-{i + 1}") for i, name in enumerate(names)
    ]


def checkpoint_name(checkpoint: str) -> str:
    """A short name for a checkpoint; a run's ``best.pt`` is called after the run."""
    path = Path(checkpoint)
    stem = path.stem if path.suffix in (".pt", ".pth", ".safetensors") else path.name
    run = [part for part in path.parts[-3:-1] if part not in ("checkpoints", ".", "/")]
    return f"{run[-1]}-{stem}" if stem in ("best", "checkpoint") and run else stem


def _save(folder: Path, plan: EvalPlan) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside = folder / f".{FILE}.{os.getpid()}"
        beside.write_bytes(orjson.dumps(asdict(plan), option=orjson.OPT_INDENT_2))
        os.replace(beside, folder / FILE)
    except OSError as problem:
        raise RunError(f"{folder} cannot be written: {problem.strerror}") from problem
