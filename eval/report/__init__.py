"""An evaluation's outcome in one folder, complete enough to be read without the code.

    report.json    the figures and where they come from: :class:`EvalReport` as JSON
    rows.parquet   one row an object and trial, see :data:`ROW_COLUMNS`
    plan.json      what was asked for; pictures/ what each picture gave, for resuming
    progress.json  how far it is, while it runs

Pages and tables read these and compute nothing; to set two beside each other use :func:`compare`.
An absent figure is null, never 0. Every mean has its 95 % interval, drawn over pictures.
"""

from eval.report.compare import Comparison, compare, warnings_between
from eval.report.figures import (
    COCO,
    MATCHES,
    coco_of,
    figures_of,
    meaning,
    order_of,
    trials_beside,
)
from eval.report.schema import (
    ROW_COLUMNS,
    SCHEMA,
    CheckpointFacts,
    Cost,
    CurvePoint,
    DataFacts,
    Environment,
    EvalReport,
    Example,
    GroupScore,
    MatchScores,
    ProtocolFacts,
    Skipped,
)
from eval.report.store import (
    PROGRESS,
    REPORT,
    ROWS,
    find_reports,
    load_report,
    load_rows,
    read_progress,
    save_report,
)
from eval.report.words import LOWER_IS_BETTER, SCORES

__all__ = [
    "COCO",
    "LOWER_IS_BETTER",
    "MATCHES",
    "PROGRESS",
    "REPORT",
    "ROWS",
    "ROW_COLUMNS",
    "SCHEMA",
    "SCORES",
    "CheckpointFacts",
    "Comparison",
    "Cost",
    "CurvePoint",
    "DataFacts",
    "Environment",
    "EvalReport",
    "Example",
    "GroupScore",
    "MatchScores",
    "ProtocolFacts",
    "Skipped",
    "coco_of",
    "compare",
    "figures_of",
    "find_reports",
    "load_report",
    "load_rows",
    "meaning",
    "order_of",
    "read_progress",
    "save_report",
    "trials_beside",
    "warnings_between",
]
