"""The predictor gives what sam2's own predictor gives, as values."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from sam2.modeling.sam2_base import SAM2Base
from sam2.sam2_image_predictor import SAM2ImagePredictor

from floorseg.core.enlarge import enlarge
from floorseg.core.model import build_model
from floorseg.core.predictor import Embedding, Predictor
from floorseg.core.preprocess import prepare_image
from floorseg.core.structures import Point, Prompt


def picture(height: int = 180, width: int = 240, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 12 + 1, width // 12 + 1, 3), dtype=np.uint8)
    large = coarse.repeat(12, axis=0).repeat(12, axis=1)[:height, :width]
    return np.ascontiguousarray(large)


def official(model: SAM2Base, image: np.ndarray) -> SAM2ImagePredictor:
    predictor = SAM2ImagePredictor(model)
    side = model.image_size // 4
    predictor._bb_feat_sizes = [(side, side), (side // 2, side // 2), (side // 4, side // 4)]
    predictor.set_image(image)
    return predictor


def random_prompts(count: int, size: tuple[int, int], seed: int = 0) -> list[Prompt]:
    """A point, several points, a box, or a box and points."""
    rng = np.random.default_rng(seed)
    height, width = size

    def point() -> Point:
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        return Point(float(x), float(y), bool(rng.random() < 0.7))

    def box() -> tuple[float, float, float, float]:
        x0, x1 = sorted(rng.uniform(0, width, 2).tolist())
        y0, y1 = sorted(rng.uniform(0, height, 2).tolist())
        return x0, y0, x1, y1

    prompts = []
    for kind in rng.integers(0, 4, count):
        points = tuple(point() for _ in range((1, 3, 0, 2)[kind]))
        prompts.append(Prompt(points=points, box=box() if kind >= 2 else None))
    return prompts


def ask_official(
    predictor: SAM2ImagePredictor, prompt: Prompt, *, multimask: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    points = np.array([(p.x, p.y) for p in prompt.points]) if prompt.points else None
    labels = np.array([int(p.inside) for p in prompt.points]) if prompt.points else None
    return predictor.predict(
        points,
        labels,
        box=None if prompt.box is None else np.array(prompt.box),
        mask_input=None if prompt.mask is None else prompt.mask[None],
        multimask_output=multimask,
    )


def mean_iou(ours: np.ndarray, theirs: np.ndarray) -> float:
    ours, theirs = ours.astype(bool), theirs.astype(bool)
    inter = (ours & theirs).sum(axis=(-2, -1))
    union = (ours | theirs).sum(axis=(-2, -1))
    return float(np.where(union > 0, inter / np.maximum(union, 1), 1.0).mean())


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    torch.manual_seed(1)
    return Predictor(build_model("nano", 128))


@pytest.fixture(scope="module")
def embedding(predictor: Predictor) -> Embedding:
    return predictor.encode(picture())


@pytest.mark.parametrize(
    ("architecture", "image_size", "count"), [("nano", 256, 200), ("sam2.1_tiny", 256, 60)]
)
def test_masks_are_those_of_the_official_predictor(architecture, image_size, count):
    torch.manual_seed(0)
    model = build_model(architecture, image_size)
    image = picture(300, 217)
    theirs, ours = official(model, image), Predictor(model)
    embedding = ours.encode(image)
    prompts = random_prompts(count, embedding.size)

    decoded = ours.decode_logits(embedding, prompts)

    agreement = []
    for i, prompt in enumerate(prompts):
        masks, scores, logits = ask_official(theirs, prompt)
        agreement.append(mean_iou((enlarge(decoded.logits[i], embedding.size) > 0).numpy(), masks))
        np.testing.assert_allclose(decoded.scores[i], scores, atol=1e-4)
        np.testing.assert_allclose(decoded.logits[i], logits, atol=2e-3)
    assert np.mean(agreement) >= 0.999


@pytest.mark.parametrize("points", [1, 0])
def test_a_previous_mask_means_what_it_means_to_the_official_predictor(predictor, points):
    image = picture()
    theirs, embedding = official(predictor.model, image), predictor.encode(image)
    first = predictor.decode_logits(embedding, [Prompt(points=(Point(90, 60),))])
    previous = first.logits[0, 0].numpy()
    prompt = Prompt(points=(Point(20, 150, inside=False),) * points, mask=previous)

    decoded = predictor.decode_logits(embedding, [prompt], multimask=False)

    _, scores, logits = ask_official(theirs, prompt, multimask=False)
    np.testing.assert_allclose(decoded.logits[0], logits, atol=2e-3)
    np.testing.assert_allclose(decoded.scores[0], scores, atol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (37, 500), (128, 128), (2100, 1400)])
def test_pictures_are_prepared_as_sam2_does_it_also_in_strips(size):
    from sam2.utils.transforms import SAM2Transforms

    image = picture(*size)

    expected = SAM2Transforms(resolution=128, mask_threshold=0.0)(image)

    torch.testing.assert_close(prepare_image(image, 128), expected, atol=1e-5, rtol=0)


def test_an_answer_does_not_depend_on_what_else_is_asked(predictor, embedding):
    prompts = random_prompts(12, embedding.size, seed=3)
    previous = predictor.decode_logits(embedding, prompts).logits[0, 1].numpy()
    prompts.append(Prompt(mask=previous))
    prompts.append(Prompt(points=(Point(5, 5),), mask=previous))

    together = predictor.decode_logits(embedding, prompts)

    for i, prompt in enumerate(prompts):
        alone = predictor.decode_logits(embedding, [prompt])
        torch.testing.assert_close(together.logits[i], alone.logits[0], atol=1e-4, rtol=0)
        torch.testing.assert_close(together.scores[i], alone.scores[0], atol=1e-5, rtol=0)


def test_previous_logits_may_come_as_one_tensor(predictor, embedding):
    prompts = random_prompts(4, embedding.size, seed=5)
    first = predictor.decode_logits(embedding, prompts, multimask=False).logits[:, 0]
    with_masks = [
        Prompt(points=p.points, box=p.box, mask=mask.numpy())
        for p, mask in zip(prompts, first, strict=True)
    ]

    together = predictor.decode_logits(embedding, prompts, previous=first)
    apart = predictor.decode_logits(embedding, with_masks)

    torch.testing.assert_close(together.logits, apart.logits)


def test_images_of_one_batch_get_the_embeddings_they_get_alone(predictor):
    images = [picture(90, 140, seed=1), picture(200, 64, seed=2)]

    batch = predictor.encode_many(images)

    for image, embedding in zip(images, batch, strict=True):
        alone = predictor.encode(image)
        torch.testing.assert_close(embedding.image.tokens, alone.image.tokens, atol=1e-4, rtol=1e-3)
        assert embedding.size == alone.size == image.shape[:2]
        assert embedding.digest == alone.digest


def test_proposals_come_best_first_and_in_the_images_size(predictor, embedding):
    proposals = predictor.decode(embedding, [Prompt(points=(Point(100, 80),))])[0]

    scores = [proposal.score for proposal in proposals]
    assert len(proposals) == 3
    assert scores == sorted(scores, reverse=True)
    assert all(proposal.mask.shape == (180, 240) for proposal in proposals)


def test_the_digest_tells_pictures_apart(predictor):
    one = picture(24, 36)

    assert predictor.encode(one).digest == predictor.encode(one.copy()).digest
    assert predictor.encode(one).digest != predictor.encode(one.reshape(36, 24, 3)).digest


def test_many_threads_share_a_predictor_and_get_their_own_answers(predictor):
    images = [picture(seed=seed) for seed in range(4)]
    prompts = random_prompts(6, (180, 240), seed=9)

    def answer(image: np.ndarray) -> torch.Tensor:
        embedding = predictor.encode(image)
        return torch.cat([predictor.decode_logits(embedding, [p]).logits for p in prompts])

    expected = [answer(image) for image in images]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(answer, images * 4))

    for i, logits in enumerate(found):
        torch.testing.assert_close(logits, expected[i % 4], atol=1e-4, rtol=0)


def test_an_empty_prompt_is_refused_by_number(predictor, embedding):
    with pytest.raises(ValueError, match="prompt 1 is empty"):
        predictor.decode_logits(embedding, [Prompt(points=(Point(1, 1),)), Prompt()])


def test_a_previous_mask_of_another_size_is_refused(predictor, embedding):
    prompt = Prompt(mask=np.zeros((180, 240), dtype=np.float32))

    with pytest.raises(ValueError, match=r"\(32, 32\), got \(180, 240\)"):
        predictor.decode_logits(embedding, [prompt])


def test_no_prompts_get_no_answers(predictor, embedding):
    assert predictor.decode(embedding, []) == []


def test_what_is_not_a_picture_is_refused_with_its_shape(predictor):
    with pytest.raises(ValueError, match=r"got float64 of shape \(4, 4, 3\)"):
        predictor.encode(np.zeros((4, 4, 3)))


def test_what_nobody_wants_is_not_drawn_and_the_rest_is_the_same(predictor):
    embedding = predictor.encode(picture())
    prompts = [p for p in random_prompts(40, (180, 240), seed=5) if len(p.points) == 1]
    drawn = predictor.decode_logits(embedding, prompts)
    best = drawn.scores.amax(dim=1)
    above = float(best.median())

    found = predictor.decode_logits(embedding, prompts, above=above)

    wanted = best > above
    assert wanted.any()
    assert not wanted.all()
    torch.testing.assert_close(found.scores, drawn.scores)
    torch.testing.assert_close(found.logits[wanted], drawn.logits[wanted])
    assert (found.logits[~wanted] < 0).all()
    nothing = predictor.decode_logits(embedding, prompts, above=1e3)
    assert (nothing.logits < 0).all()
