"""The options of ``python -m eval``, each with its sentence."""

from pathlib import Path
from typing import Annotated

import typer

Checkpoints = Annotated[
    list[str] | None,
    typer.Option(
        "--checkpoint", help="A file or a name; repeated, the others are compared with the first."
    ),
]
Data = Annotated[Path | None, typer.Option(help="The dataset's folder.")]
Out = Annotated[
    Path | None,
    typer.Option(help="Folder of the report; several checkpoints get a folder in it each."),
]
Split = Annotated[str, typer.Option(help='train, valid or test; "" for a dataset without splits.')]
Name = Annotated[str, typer.Option(help="click, jitter, box, hard or everything.")]
Clicks = Annotated[int, typer.Option(help="Most clicks an object gets; 0: the protocol's own.")]
Seed = Annotated[int, typer.Option(help="Of every random draw.")]
Limit = Annotated[int, typer.Option(help="So many pictures, spread over the split; 0 for all.")]
Labels = Annotated[str, typer.Option(help="Only these classes, separated by commas.")]
Preset = Annotated[str, typer.Option(help="Of the protocol everything.")]
ImageSize = Annotated[int, typer.Option(help="Pixels the model works at; 0 for its own.")]
CloseUps = Annotated[
    bool,
    typer.Option(
        help="Whether models below 768 px look from four sides, closely at what is small, at the "
        "middle of answers, and for lines where a mask may end, and leave no crumbs."
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]
Workers = Annotated[
    int, typer.Option(help="Processes with one thread, or one GPU, each; 0: this one alone.")
]
UseCluster = Annotated[int, typer.Option(help="1: as an array of SLURM jobs, --workers many.")]
Partition = Annotated[str | None, typer.Option(help="Of the cluster.")]
Cpus = Annotated[int, typer.Option(help="Processors a cluster job gets.")]
Gpus = Annotated[int, typer.Option(help="GPUs a cluster job gets.")]
Minutes = Annotated[int, typer.Option(help="Time limit of a cluster job.")]
Exclude = Annotated[str | None, typer.Option(help="Nodes to leave alone, comma separated.")]
