"""A model card: what a run's weights were made from, how, and how good they are."""

import shlex
from pathlib import Path
from typing import Any

import yaml

from floorseg.runs import RunFolder
from floorseg.services.run_summary import RunSummary, summarise


def model_card(run: RunFolder, checkpoint: Path) -> str:
    """Markdown: data, configuration and scores of a run, from its folder alone."""
    summary = summarise(run)
    config = yaml.safe_load(run.config.read_text(encoding="utf-8"))
    provenance = run.read_json("provenance.json")
    parts = [
        f"# {checkpoint.stem}",
        f"Weights of the run `{run.name}` for segmenting floorplans with floorseg "
        f"(SAM 2, architecture `{config['trainer'].get('architecture') or 'as configured'}`).",
        "## Data",
        _data(config.get("dataset", {})),
        "## Training",
        _table(
            {
                "steps": summary.step,
                "minutes": round(summary.minutes, 1),
                "seed": provenance.get("seed"),
                "machine": provenance.get("gpu") or f"{provenance.get('processors')} CPU cores",
                "started from": config.get("dataset", {}).get("base_model") or "random weights",
                "commit": provenance.get("commit"),
                **_odds(run),
            }
        ),
        f"```\n{shlex.join(summary.command)}\n```",
        "## Scores",
        _scores(summary),
        "## How to use",
        f"```\npython -m floorseg segment plan.png --checkpoint {checkpoint.stem}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _odds(run: RunFolder) -> dict[str, str]:
    told = list(run.events("odds"))
    if not told:
        return {}
    return {
        "odds of rooms": f"fitted on {told[-1]['regions']} regions of {told[-1]['plans']} plans"
    }


def _data(dataset: dict[str, Any]) -> str:
    return _table({key: value for key, value in dataset.items() if value is not None})


def _scores(summary: RunSummary) -> str:
    lines = ["Validation, mean IoU at training resolution:", _table(dict(summary.scores))]
    if summary.test:
        lines += ["Test split, beside the model it started from:", _comparison(summary.test)]
    return "\n\n".join(lines)


def _comparison(test: Any) -> str:
    rows = ["| protocol | base | fine-tuned | gain, 95 % interval |", "|---|---|---|---|"]
    for name, pair in test.get("scores", {}).items():
        cells = [_cell(pair.get(key)) for key in ("base", "tuned")]
        rows.append(f"| {name} | {cells[0]} | {cells[1]} | {_gain(pair)} |")
    return "\n".join(rows)


def _gain(pair: Any) -> str:
    if "gain" not in pair:
        return ""
    return f"{pair['gain']:+.4f} ({pair['low']:+.4f} to {pair['high']:+.4f})"


def _table(facts: dict[str, Any]) -> str:
    rows = [f"| {key} | {_cell(value)} |" for key, value in facts.items()]
    return "\n".join(["| | |", "|---|---|", *rows])


def _cell(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
