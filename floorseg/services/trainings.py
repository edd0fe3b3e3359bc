"""What the Train tab asks for: may this visitor train, start, stop, resume, delete, evaluate."""

import shutil
from dataclasses import replace
from pathlib import Path

import yaml

from floorseg.errors import ConfigError, RunError
from floorseg.runs import RunFolder, list_runs
from floorseg.services import jobs, queues
from floorseg.services.catalog import checkpoint_folders, list_checkpoints
from floorseg.services.dataset_paths import dataset_folder, offered_folders
from floorseg.services.evaluations import EvaluationForm, Evaluations
from floorseg.services.permission import permit
from floorseg.services.run_summary import RunSummary, summaries, summarise
from floorseg.services.tensorboard import TensorBoard
from floorseg.services.training_form import (
    TrainingForm,
    arguments,
    check_form,
    choices,
    command,
)
from floorseg.settings import PROJECT, Settings

CLICKS = 3  # of an evaluation against the base, as the end of a training has
FORM = "form.yaml"  # in a run's folder: what was filled in, for a duplicate


class Trainings:
    """Runs of one folder, started from forms.

    Args:
        settings: folders, and who may train.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tensorboard = TensorBoard(settings.runs)
        if not settings.public:
            queues.wake(settings.runs)  # a queue from before a restart goes on

    def permit(self, user: str | None) -> None:
        """Let through whoever may train here.

        Raises:
            PermissionRefused: in public mode, and for users who are not among the trainers.
        """
        permit(
            self.settings, user, work="train",
            public="no training is started, stopped or shown here; run floorseg on your own "
            "computer to train",
        )  # fmt: skip

    def datasets(self) -> list[str]:
        """Names of datasets under the data root."""
        return [] if self.settings.public else offered_folders(self.settings)

    def checkpoints(self) -> list[str]:
        """Names of checkpoints to start from."""
        found = list_checkpoints(checkpoint_folders(self.settings))
        return [info.name for info in found if info.usable]

    def arguments(self, form: TrainingForm) -> list[str]:
        """The form as a command line, everything in it looked at first.

        Raises:
            ConfigError: naming the field that cannot be used.
            DatasetError: if the dataset is not under the data root.
        """
        form, config = self._settled(form)
        return [*arguments(form, config), "--runs", str(self.settings.runs.resolve())]

    def command(self, form: TrainingForm) -> str:
        """The exact command, to paste into a terminal."""
        form, config = self._settled(form, write=False)
        return command(form, config)

    def check(self, form: TrainingForm, user: str | None) -> str:
        """What would be needed, in words; starts nothing."""
        self.permit(user)
        return jobs.check(self.arguments(form), cwd=PROJECT)

    def start(self, form: TrainingForm, user: str | None) -> RunFolder:
        """Check everything, make a run folder, put it into the queue (or hand it to SLURM)."""
        self.permit(user)
        run = jobs.submit(self.arguments(form), cwd=PROJECT)
        run.write(FORM, yaml.safe_dump(_as_dict(form), allow_unicode=True))
        return run

    def form_of(self, run: RunFolder) -> TrainingForm:
        """The form a run was started from, to start another with changes.

        Raises:
            RunError: if it was started from the command line.
        """
        try:
            read = yaml.safe_load((run.path / FORM).read_text(encoding="utf-8"))
            return replace(TrainingForm(**read), name="")
        except FileNotFoundError:
            shown = " ".join(summarise(run).command)
            raise RunError(f"{run.name} was not started from this form but with: {shown}") from None
        except TypeError as problem:
            raise RunError(f"{run.name} was started from a form of another version") from problem

    def runs(self) -> list[RunSummary]:
        """Every run, newest first."""
        return [] if self.settings.public else summaries(self.settings.runs)

    def queue(self) -> list[queues.Waiting]:
        """Who waits, first come first."""
        return [] if self.settings.public else queues.queue(self.settings.runs)

    def run(self, name: str, user: str | None = None) -> RunFolder:
        """The run of a name that a visitor sent.

        Raises:
            PermissionRefused: in public mode.
            RunError: if there is none.
        """
        self.permit(user)
        found = [run for run in list_runs(self.settings.runs) if run.name == name]
        if not found:
            raise RunError(f"there is no run called {name[:80]!r}; choose one from the table")
        return found[0]

    def stop(self, name: str, user: str | None) -> RunSummary:
        """Ask a run to save and end."""
        run = self.run(name, user)
        jobs.stop_run(run, patience=2)
        return summarise(run)

    def resume(self, name: str, user: str | None, *, more: float = 0) -> RunSummary:
        """Go on with a run, longer by ``more`` of its own unit."""
        run = self.run(name, user)
        jobs.resume_run(run, more=more)
        return summarise(run)

    def delete(self, name: str, user: str | None, *, typed: str) -> None:
        """Remove a run whose name was typed once more.

        Raises:
            RunError: if it was not.
        """
        run = self.run(name, user)
        if typed.strip() != run.name:
            raise RunError(f"to delete it, type its name: {run.name}")
        jobs.delete_run(run)

    def evaluate(self, name: str, user: str | None) -> str:
        """Score a run's best weights beside those it began with, on its test split.

        Returns:
            the name of the evaluation, which waits its turn among the others.

        Raises:
            PermissionRefused: if this visitor may not.
            RunError: if it has no best weights yet, or began with or learned from what this page
                does not offer.
        """
        run = self.run(name, user)
        if not (run.checkpoints / "best.pt").is_file():
            raise RunError(f"{name} has no best weights yet; they come with its first validation")
        dataset = yaml.safe_load(run.config.read_text(encoding="utf-8")).get("dataset") or {}
        form = EvaluationForm(
            checkpoints=(self._name_of(run, dataset.get("base_model")), f"{run.name}/best"),
            dataset=self._dataset_of(run, dataset.get("folder") or dataset.get("rooms")),
            split=str(dataset.get("test") or "test"), clicks=CLICKS,
        )  # fmt: skip
        return Evaluations(self.settings).start(form, user)

    def _name_of(self, run: RunFolder, file: str | None) -> str:
        """What the checkpoint that a run began with is called here."""
        listed = list_checkpoints(checkpoint_folders(self.settings))
        for info in listed:
            if file and info.usable and Path(info.path).resolve() == Path(file).resolve():
                return info.name
        raise RunError(
            f"{run.name} began with {file or 'random weights'}, which is not in "
            f"{self.settings.checkpoints}; evaluate {run.name}/best in the Evaluate tab"
        )

    def _dataset_of(self, run: RunFolder, folder: str | None) -> str:
        """What the dataset of a run is called here."""
        root = self.settings.data_root.resolve()
        if not folder or not Path(folder).resolve().is_relative_to(root):
            raise RunError(
                f"{run.name} learned from {folder or 'several datasets'}, which is not under the "
                f"data root {root}; evaluate it with python -m eval, or move the data there"
            )
        return Path(folder).resolve().relative_to(root).as_posix()

    def has_cluster(self) -> bool:
        """Whether jobs can be submitted from this machine."""
        return shutil.which("sbatch") is not None

    def _settled(self, form: TrainingForm, *, write: bool = True) -> tuple[TrainingForm, Path]:
        """The form with folders as paths, and the configuration file it uses."""
        check_form(form)
        shipped = choices(form.config).text
        if form.dataset:
            form = replace(form, dataset=str(dataset_folder(self.settings, form.dataset).resolve()))
        if form.checkpoint:
            form = replace(form, checkpoint=self._checkpoint(form.checkpoint))
        if not form.text.strip() or form.text.strip() == shipped.strip():
            return form, Path("configs") / f"{form.config}.yaml"
        path = self.settings.runs.resolve() / ".forms" / f"{form.name or form.config}.yaml"
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(form.text, encoding="utf-8")
        return form, path

    def _checkpoint(self, name: str) -> str:
        for info in list_checkpoints(checkpoint_folders(self.settings)):
            if info.name == name and info.usable:
                return str(Path(info.path).resolve())
        raise ConfigError(f"there is no checkpoint {name[:80]!r}; choose one from the list")


def _as_dict(form: TrainingForm) -> dict[str, object]:
    return {field: getattr(form, field) for field in form.__dataclass_fields__}
