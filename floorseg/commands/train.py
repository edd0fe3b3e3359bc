"""``python -m floorseg train``: train or fine-tune from a configuration file."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from floorseg.runs import RunFolder

COMMAND = {"context_settings": {"allow_extra_args": True, "ignore_unknown_options": False}}
_SLURM = "SLURM"


def train(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Configuration file, from any folder.")
    ] = None,
    use_cluster: Annotated[
        int | None, typer.Option(help="0: train here. 1: submit to the SLURM cluster.")
    ] = None,
    num_gpus: Annotated[int | None, typer.Option(help="GPUs (processes) a machine.")] = None,
    share_batch: Annotated[
        bool, typer.Option("--share-batch", help="These share each batch, not one batch each.")
    ] = False,
    num_nodes: Annotated[int | None, typer.Option(help="Machines.", rich_help_panel=_SLURM)] = None,
    partition: Annotated[str, typer.Option(rich_help_panel=_SLURM)] = "",
    account: Annotated[str, typer.Option(rich_help_panel=_SLURM)] = "",
    qos: Annotated[str, typer.Option(rich_help_panel=_SLURM)] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be started or submitted.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Look at everything a run needs, and start nothing.")
    ] = False,
    queue: Annotated[
        bool, typer.Option("--queue", help="Run it in the background, after those before it.")
    ] = False,
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
    # the same sums in the same order wherever an array lies in memory: same seed, same losses
    os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
    from floorseg.errors import ConfigError

    if (config is None) == (resume is None):
        raise ConfigError("say either -c CONFIG, for a new run, or --resume RUN")
    if resume is not None:
        _go_on(resume, context.args)
        return
    from floorseg.training.config import read_config
    from floorseg.training.setup import Launch, settle

    wanted = Launch(
        use_cluster=None if use_cluster is None else bool(use_cluster),
        num_gpus=num_gpus, share_batch=share_batch, num_nodes=num_nodes,
        partition=partition, account=account, qos=qos,
    )  # fmt: skip
    source = config or Path()
    composed = settle(read_config(source, context.args), wanted)
    _preflight(composed, source, runs, aloud=check or dry_run)
    if dry_run:
        _show(composed, source)
    elif not check:
        _start(composed, source, runs=runs, name=name, queue=queue)


def _go_on(path: Path, overrides: list[str]) -> None:
    from floorseg.runs import RunFolder
    from floorseg.training.config import read_config
    from floorseg.training.launch import change_run
    from floorseg.training.processes import run_local

    run = RunFolder.open(path)
    if overrides:
        change_run(run, overrides)
    outcome = run_local(read_config(run.config), run)
    typer.echo(f"{outcome}: {run.path}")


def _preflight(composed: "DictConfig", source: Path, runs: Path | None, *, aloud: bool) -> None:
    from floorseg.settings import Settings
    from floorseg.training.preflight import preflight

    found = preflight(composed, source=source, runs=runs or Settings().runs)
    for warning in found.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if aloud:
        typer.echo(found.in_words())


def _show(composed: "DictConfig", source: Path) -> None:
    from omegaconf import OmegaConf

    from floorseg.runs import RunFolder
    from floorseg.training.cluster import batch_script, job_parameters
    from floorseg.training.setup import on_cluster

    if on_cluster(composed):
        run = RunFolder(Path("runs") / f"NEW-{source.stem}")
        composed.launcher.experiment_log_dir = str(run.path)
        typer.echo(batch_script(run, job_parameters(composed)))
    else:
        typer.echo(OmegaConf.to_yaml(composed))


def _start(
    composed: "DictConfig", source: Path, *, runs: Path | None, name: str, queue: bool
) -> None:
    from floorseg.runs import RunFolder
    from floorseg.services.queues import enqueue
    from floorseg.settings import Settings
    from floorseg.training.launch import prepare_run
    from floorseg.training.processes import run_local
    from floorseg.training.setup import device_of, on_cluster

    run = RunFolder.create(runs or Settings().runs, name or source.stem)
    command = [Path(sys.executable).name, "-m", "floorseg", *sys.argv[1:]]
    device = device_of(composed)
    composed = prepare_run(composed, run, command=command, source=source, device=device)
    typer.echo(f"run folder: {run.path.resolve()}")
    if on_cluster(composed):
        _submit(composed, run)
    elif queue:
        enqueue(run, device=device)
        typer.echo(f"{run.state()}: python -m floorseg runs show {run.name}")
    else:
        outcome = run_local(composed, run)
        typer.echo(f"{outcome}: {run.path}")


def _submit(composed: "DictConfig", run: "RunFolder") -> None:
    from floorseg.training.cluster import job_parameters, submit

    parameters = job_parameters(composed)
    job = submit(run, parameters, port_range=composed.submitit.port_range)
    typer.echo(f"job {job}: python -m floorseg runs show {run.name}")
