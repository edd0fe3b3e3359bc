"""``python -m floorseg train``: train or fine-tune from a configuration file."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

COMMAND = {"context_settings": {"allow_extra_args": True, "ignore_unknown_options": False}}


def train(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Configuration file, from any folder.")
    ] = None,
    use_cluster: Annotated[
        int, typer.Option(help="0: train here, now. 1: submit to the SLURM cluster.")
    ] = 0,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with this run folder, exactly where it stopped.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the run; the configuration's without.")] = "",
    runs: Annotated[Path | None, typer.Option(help="Where run folders are made.")] = None,
    quiet_threads: Annotated[
        bool, typer.Option(help="Let waiting threads sleep, so that nothing else is choked.")
    ] = True,
) -> None:
    """Train from a configuration; Hydra overrides follow: [b]scratch.base_lr=1e-4[/b].

    Each start makes a new run folder. Ctrl-C or SIGTERM saves and ends; --resume goes on.
    """
    if quiet_threads:  # read when OpenMP is loaded, so before torch is
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from floorseg.errors import ConfigError
    from floorseg.runs import RunFolder
    from floorseg.settings import Settings
    from floorseg.training.config import read_config
    from floorseg.training.launch import prepare_run, run_here

    overrides = context.args
    if (config is None) == (resume is None):
        raise ConfigError("say either -c CONFIG, for a new run, or --resume RUN")
    source = config or RunFolder.open(resume or "").config
    composed = read_config(source, overrides)
    if config is not None:
        run = RunFolder.create(runs or Settings().runs, name or config.stem)
        command = [Path(sys.executable).name, "-m", "floorseg", *sys.argv[1:]]
        composed = prepare_run(composed, run, command=command, source=source)
    else:
        run = RunFolder.open(resume or "")
    typer.echo(f"run folder: {run.path}")
    outcome = run_here(composed, run)
    typer.echo(f"{outcome}: {run.path}")
