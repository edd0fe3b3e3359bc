"""Everything mode decides at low resolution what sam2's generator decides at full size."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sam2.automatic_mask_generator import SAM2AutomaticMaskGenerator

from floorseg.core.candidates import click_grid
from floorseg.core.enlarge import enlarge
from floorseg.core.everything import EverythingSettings, everything, find_regions
from floorseg.core.model import build_model, load_model
from floorseg.core.predictor import Predictor
from floorseg.core.presets import PRESETS, find_preset
from floorseg.core.structures import MaskProposal, Point, Prompt
from floorseg.data.synth.plan import draw_plan
from floorseg.errors import ConfigError
from tests.core.painted import PaintedPredictor, rectangle


class PaintedOfficial:
    """The painted scene behind the interface that sam2's generator uses."""

    device = torch.device("cpu")
    _transforms = SimpleNamespace(transform_coords=lambda points, **_: points)

    def __init__(self, painted: PaintedPredictor) -> None:
        self.painted = painted

    def set_image(self, image: np.ndarray) -> None:
        assert image.shape[:2] == self.painted.size

    def reset_predictor(self) -> None:
        pass

    def _predict(self, points, labels, **_):
        prompts = [Prompt(points=(Point(*point),)) for point in points[:, 0].tolist()]
        decoded = self.painted.decode_logits(self.painted.embedding(), prompts)
        return enlarge(decoded.logits, self.painted.size), decoded.scores, decoded.logits


def scene(seed: int, count: int = 60) -> PaintedPredictor:
    """Overlapping rectangles, some nearly doubles, with outlines between steep and washed out."""
    rng = np.random.default_rng(seed)
    things = []
    while len(things) < count:
        x, y = rng.uniform(0, 0.9, 2)
        width, height = rng.uniform(0.03, 0.5, 2)
        for _ in range(int(rng.integers(1, 3))):
            jitter = rng.uniform(-0.02, 0.02, 4)
            box = np.clip(np.array([x, y, x + width, y + height]) + jitter, 0, 1)
            steepness = rng.choice([0.05, 0.3, 1.0])
            things.append((rectangle(*box.tolist()) * steepness, float(rng.uniform(0.7, 1))))
    return PaintedPredictor(things)


def matched(ours: list[MaskProposal], theirs: list[dict]) -> float:
    """Mean over their masks of the IoU with the nearest of ours."""
    a = np.stack([mask["segmentation"].ravel() for mask in theirs]).astype(np.float32)
    b = np.stack([proposal.mask.ravel() for proposal in ours]).astype(np.float32)
    inter = a @ b.T
    union = a.sum(axis=1)[:, None] + b.sum(axis=1)[None, :] - inter
    return float((inter / union).max(axis=1).mean())


@pytest.mark.parametrize("seed", range(4))
def test_the_same_regions_as_the_official_generator(seed):
    painted = scene(seed)
    generator = SAM2AutomaticMaskGenerator(build_tiny(), points_per_side=16)
    generator.predictor = PaintedOfficial(painted)

    theirs = generator.generate(np.zeros((*painted.size, 3), dtype=np.uint8))
    ours = everything(painted, painted.embedding(), EverythingSettings("", points_per_side=16))

    assert len(theirs) > 5
    assert abs(len(ours) - len(theirs)) <= 0.1 * len(theirs)
    assert matched(ours, theirs) >= 0.95
    assert ours[0].score == pytest.approx(max(mask["predicted_iou"] for mask in theirs))


@pytest.mark.parametrize("seed", [3, 5])
def test_the_shipped_weights_find_the_regions_the_official_generator_finds(seed):
    """At thresholds that let doubtful, ragged answers through: those are where short cuts fail."""
    predictor = Predictor(load_model("floorseg-nano-rooms", "cpu"))
    image = draw_plan(seed, (512, 512)).image
    asked = {"pred_iou_thresh": 0.5, "stability_score_thresh": 0.6}
    generator = SAM2AutomaticMaskGenerator(predictor.model, points_per_side=10, **asked)
    side = predictor.logit_size
    generator.predictor._bb_feat_sizes = [(side // n, side // n) for n in (1, 2, 4)]
    settings = EverythingSettings("", points_per_side=10, min_score=0.5, min_stability=0.6)

    theirs = generator.generate(image)
    ours = everything(predictor, image, settings)

    assert len(theirs) > 5
    assert abs(len(ours) - len(theirs)) <= 0.05 * len(theirs)
    assert matched(ours, theirs) >= 0.99


def build_tiny():
    return build_model("nano", 64)


def test_the_grid_is_the_official_one():
    generator = SAM2AutomaticMaskGenerator(build_tiny(), points_per_side=5)

    np.testing.assert_allclose(
        click_grid(5, (30, 70)), generator.point_grids[0] * np.array([70, 30]), atol=1e-4
    )


def test_regions_come_best_first_with_their_click_and_stability():
    painted = PaintedPredictor(
        [(rectangle(0.1, 0.1, 0.4, 0.4), 0.85), (rectangle(0.5, 0.5, 0.9, 0.9), 0.95)]
    )

    found = everything(painted, painted.embedding(), "regions")

    assert [proposal.score for proposal in found] == pytest.approx([0.95, 0.85])
    for proposal in found:
        x, y = proposal.point
        assert proposal.mask[int(y), int(x)]
        assert 0.95 <= proposal.stability <= 1


def test_regions_outside_the_area_limits_are_dropped():
    speck, sheet, room = (0.1, 0.1, 0.14, 0.14), (0, 0, 1, 1), (0.5, 0.5, 0.8, 0.8)
    painted = PaintedPredictor([(rectangle(*box), 0.9) for box in (speck, sheet, room)])
    limits = EverythingSettings("", min_area=0.01, max_area=0.5)

    found = everything(painted, painted.embedding(), limits)

    assert len(found) == 1


def test_masks_of_a_huge_sheet_come_one_at_a_time_in_its_size():
    painted = PaintedPredictor([(rectangle(0.1, 0.1, 0.4, 0.4), 0.9)], size=(2000, 3000))

    proposal = next(find_regions(painted, painted.embedding(), "regions"))

    assert proposal.mask.shape == (2000, 3000)
    assert proposal.mask.mean() == pytest.approx(0.09, abs=0.01)


def test_an_unknown_preset_is_refused_with_the_ones_there_are():
    with pytest.raises(ConfigError, match="no preset 'room'; choose from rooms, regions, details"):
        find_preset("room")


@pytest.mark.parametrize("wrong", [{"min_score": 1.5}, {"points_per_side": 0}])
def test_impossible_settings_are_refused_by_name(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        EverythingSettings("", **wrong)


def test_every_preset_says_what_it_is_for():
    assert all(settings.summary.endswith(".") for settings in PRESETS.values())


def test_where_nothing_passes_there_are_no_regions():
    painted = scene(0, count=3)
    settings = EverythingSettings("", points_per_side=4, min_score=1.0)

    assert everything(painted, painted.embedding(), settings) == []
