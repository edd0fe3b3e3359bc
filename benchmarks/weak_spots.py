"""Where a model fails: the rooms of each school of drawing that one click gives worst, drawn.

    python -m benchmarks.weak_spots checkpoints/weak_spots.jpg --checkpoint floorseg-nano-rooms

The plans are synthetic, of a seed that no training used. Green is the outline of the room that was
clicked in, red what the model gave; the click is a blue dot. How often a school fails is printed.
"""

import argparse
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.table import machine, show
from floorseg.core import render
from floorseg.core.closeup import make_predictor
from floorseg.core.enlarge import enlarge_mask
from floorseg.core.metrics import mask_iou
from floorseg.core.model import load_model
from floorseg.core.predictor import Predictor
from floorseg.core.prompts import centre_click
from floorseg.core.structures import Point, Prompt
from floorseg.data.synth.plan import SyntheticPlan, draw_plan

SIZE = (1024, 1024)  # pixels of a plan
TILE = 240  # pixels of a tile, its caption beside
CAPTION = 22
EACH = 2  # worst rooms of a school
FAILED = 0.5  # IoU below which an answer is none
GREEN, RED, BLUE = (20, 150, 60), (225, 40, 40), (30, 60, 230)


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A click on a room and what came of it."""

    image: np.ndarray
    truth: np.ndarray
    found: np.ndarray
    click: Point
    iou: float


def main() -> None:
    """Ask, sort, draw."""
    options = _options()
    predictor = make_predictor(load_model(options.checkpoint, options.device))
    answers: dict[str, list[Answer]] = defaultdict(list)
    for number in range(options.plans):
        plan = draw_plan(f"{options.seed} {number}", SIZE)
        answers[plan.style] += ask(predictor, plan)
    rows = []
    tiles = []
    for style, found in sorted(answers.items()):
        failed = sum(one.iou < FAILED for one in found)
        mean = float(np.mean([one.iou for one in found]))
        rows.append([style, str(len(found)), f"{mean:.3f}", f"{failed / len(found):.0%}"])
        worst = sorted(found, key=lambda one: one.iou)[:: max(1, len(found) // 20)][:EACH]
        tiles += [tile(one, f"{style}: IoU {one.iou:.2f}") for one in worst]
    print(f"{options.checkpoint}, {options.plans} plans; {machine(options.device)}")
    print(show(("school of drawing", "rooms", "1 click, mIoU", "below IoU 0.5"), rows))
    columns = 2 * EACH
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    sheet = [np.hstack(tiles[k : k + columns]) for k in range(0, len(tiles), columns)]
    Image.fromarray(np.vstack(sheet)).save(options.out, quality=80)


def ask(predictor: Predictor, plan: SyntheticPlan) -> list[Answer]:
    """One click in the middle of each room."""
    rooms = [a.mask() for a in plan.annotations if a.category_name == "room"]
    clicks = [centre_click(room) for room in rooms]
    embedding = predictor.encode(plan.image)
    decoded = predictor.decode_logits(embedding, [Prompt((click,)) for click in clicks])
    found = []
    for room, click, best in zip(rooms, clicks, decoded.chosen(), strict=True):
        mask = enlarge_mask(best, embedding.size)
        found.append(Answer(plan.image, room, mask, click, mask_iou(mask, room)))
    return found


def tile(answer: Answer, caption: str) -> np.ndarray:
    """The surroundings of room and answer, and a line that says what it is."""
    painted = answer.image.copy()
    render.tint(painted, answer.found, RED, outline=0)
    painted = render.outlines(painted, [answer.truth], [GREEN], thickness=4)
    cv2.circle(painted, (round(answer.click.x), round(answer.click.y)), 7, BLUE, -1)
    x, y, width, height = cv2.boundingRect((answer.truth | answer.found).view(np.uint8))
    side = min(max(width, height) + 120, *answer.image.shape[:2])
    left = int(np.clip(x + width / 2 - side / 2, 0, answer.image.shape[1] - side))
    top = int(np.clip(y + height / 2 - side / 2, 0, answer.image.shape[0] - side))
    part = painted[top : top + side, left : left + side]
    inner = cv2.resize(part, (TILE - 4, TILE - 4), interpolation=cv2.INTER_AREA)
    framed = cv2.copyMakeBorder(inner, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    title = np.full((CAPTION, TILE, 3), 255, np.uint8)
    cv2.putText(title, caption, (4, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([title, framed])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="the JPEG to write")
    parser.add_argument("--checkpoint", default="floorseg-nano-rooms")
    parser.add_argument("--plans", type=int, default=80)
    parser.add_argument("--seed", type=int, default=1001)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


if __name__ == "__main__":
    main()
