"""What happens to a sheet between the drawing board and somebody's upload."""

from collections.abc import Callable
from random import Random

import cv2
import numpy as np

from floorseg.data.synth.canvas import Canvas

WEAR = {
    "clean": 6.0,
    "speckle": 3.0,
    "scan": 1.0,
    "photo": 0.7,
    "tiny": 1.0,
    "fax": 0.4,
    "pale": 0.5,
}

PAPERS = ((1, 1, 1), (1, 1, 1), (1, 0.98, 0.94), (1, 0.96, 0.86))  # shares of red, green, blue


def degrade(rng: Random, canvas: Canvas) -> str:
    """Turn, bend and wear a sheet; its truth goes along with every bend.

    Returns:
        What was done, in a word, for the record.
    """
    _turn(rng, canvas)
    if rng.random() < 0.1:
        _crop(rng, canvas)
    wear = rng.choices(list(WEAR), list(WEAR.values()))[0]
    chance = rng.random()
    if wear == "photo":
        _bend(rng, canvas, rng.uniform(0.02, 0.09), 3)
    elif chance < 0.18:
        _rotate(rng, canvas)
    elif chance < 0.24:
        _bend(rng, canvas, rng.uniform(0.01, 0.05), 1)
    noise = np.random.default_rng(rng.getrandbits(64))
    canvas.picture = _WEARS[wear](rng, noise, canvas.picture)
    if rng.random() < 0.5:
        canvas.picture = _jpeg(canvas.picture, rng.randint(25, 90))
    return wear


def _turn(rng: Random, canvas: Canvas) -> None:
    """Mirrored and upside down, as augmented sets are."""
    if rng.random() < 0.2:
        _apply(canvas, lambda layer: np.ascontiguousarray(layer[:, ::-1]))
    if rng.random() < 0.12:
        _apply(canvas, lambda layer: np.ascontiguousarray(layer[::-1]))
    if canvas.size[0] == canvas.size[1] and rng.random() < 0.2:
        times = rng.choice((1, 3))
        _apply(canvas, lambda layer: np.ascontiguousarray(np.rot90(layer, times)))


def _apply(canvas: Canvas, change: Callable[[np.ndarray], np.ndarray]) -> None:
    canvas.picture = change(canvas.picture)
    canvas.truth, canvas.over = change(canvas.truth), change(canvas.over)


def _rotate(rng: Random, canvas: Canvas) -> None:
    width, height = canvas.size
    angle = rng.uniform(1, 16) * rng.choice((-1, 1))
    matrix = np.eye(3)
    matrix[:2] = cv2.getRotationMatrix2D((width / 2, height / 2), angle, rng.uniform(0.8, 1.05))
    matrix[0, 1] += rng.choice((0, 0, 1)) * rng.uniform(-0.15, 0.15)
    _warp(canvas, matrix, (0, 0, 0) if rng.random() < 0.75 else _paper(canvas))


def _crop(rng: Random, canvas: Canvas) -> None:
    """A part of the sheet, enlarged to the whole."""
    width, height = canvas.size
    zoom = rng.uniform(1.1, 2.0)
    left, top = rng.random() * width * (zoom - 1), rng.random() * height * (zoom - 1)
    x, y = int(left / zoom), int(top / zoom)
    part = canvas.truth[y : y + int(height / zoom), x : x + int(width / zoom)]
    if np.count_nonzero(part) < 0.4 * part.size:
        return
    _warp(canvas, np.array([[zoom, 0, -left], [0, zoom, -top], [0, 0, 1]]), _paper(canvas))


def _bend(rng: Random, canvas: Canvas, amount: float, corners: int) -> None:
    width, height = canvas.size
    start = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    reach = amount * min(width, height)
    target = start + np.array(
        [(rng.uniform(-1, 1) * reach, rng.uniform(-1, 1) * reach) for _ in range(4)], np.float32
    )
    if corners == 1:
        target[1:] = start[1:]
    border = _paper(canvas) if rng.random() < 0.5 else (rng.randint(0, 120),) * 3
    _warp(canvas, cv2.getPerspectiveTransform(start, target.astype(np.float32)), border)


def _paper(canvas: Canvas) -> tuple[int, int, int]:
    red, green, blue = (int(v) for v in canvas.picture[1, 1])
    return red, green, blue


def _warp(canvas: Canvas, matrix: np.ndarray, border: tuple[int, int, int]) -> None:
    size = canvas.size
    canvas.set_map(matrix @ canvas.to_pixels, canvas.middle)
    canvas.picture = cv2.warpPerspective(
        canvas.picture, matrix, size, flags=cv2.INTER_LINEAR, borderValue=border
    )
    canvas.truth = cv2.warpPerspective(canvas.truth, matrix, size, flags=cv2.INTER_NEAREST)
    canvas.over = cv2.warpPerspective(canvas.over, matrix, size, flags=cv2.INTER_NEAREST)


def _clean(rng: Random, noise: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    return picture


def _speckle(rng: Random, noise: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Salt and pepper, mostly grey, and a little softness."""
    height, width = picture.shape[:2]
    count = int(height * width * rng.choice((0.003, 0.01, 0.02)))
    spots = noise.integers(0, height * width, count)
    picture = picture.copy()
    strength = rng.choice((0.3, 0.5, 0.5, 1.0))
    flat = picture.reshape(-1, 3)
    dots = noise.integers(0, 256, (count, 1), dtype=np.uint8)
    flat[spots] = (flat[spots] * (1 - strength) + dots * strength).astype(np.uint8)
    return cv2.GaussianBlur(picture, (3, 3), rng.uniform(0.4, 0.8))


def _scan(rng: Random, noise: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Grey paper with stains and folds, soft lines, grain."""
    height, width = picture.shape[:2]
    light = _clouds(noise, (height, width), rng.randint(3, 9)) * rng.uniform(10, 40)
    tint = np.array(rng.choice(PAPERS), np.float32)
    soft = cv2.GaussianBlur(picture, (3, 3), rng.uniform(0.5, 1.0)).astype(np.float32)
    fold = np.zeros((height, width), np.float32)
    for _ in range(rng.choice((0, 0, 1, 2, 3))):
        if rng.random() < 0.5:
            fold[:, rng.randrange(width)] = rng.uniform(-60, 60)
        else:
            fold[rng.randrange(height)] = rng.uniform(-60, 60)
    shade = cv2.blur(fold, (3, 3)) - light + _grain(noise, (height, width), rng.uniform(3, 14))
    return np.clip(soft * tint + shade[..., None], 0, 255).astype(np.uint8)


def _photo(rng: Random, noise: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Uneven light, a shadow, a colour cast, blur, grain."""
    height, width = picture.shape[:2]
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
    slope = rng.uniform(-0.25, 0.25) * x[None] + rng.uniform(-0.25, 0.25) * y[:, None]
    light = rng.uniform(0.6, 0.95) + slope
    light -= 0.2 * _clouds(noise, (height, width), 3)
    cast = np.array([rng.uniform(0.9, 1.0), rng.uniform(0.88, 0.98), rng.uniform(0.75, 0.95)])
    soft = cv2.GaussianBlur(picture, (5, 5), rng.uniform(0.5, 1.3)).astype(np.float32)
    shade = _grain(noise, (height, width), rng.uniform(2, 8))
    worn = soft * (light[..., None] * cast.astype(np.float32)) + shade[..., None]
    return np.clip(worn, 0, 255).astype(np.uint8)


def _tiny(rng: Random, noise: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Shrunk and blown up again."""
    height, width = picture.shape[:2]
    factor = rng.uniform(0.38, 0.75)
    small = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5:
        small = _jpeg(small, rng.randint(30, 80))
    return cv2.resize(small, (width, height), interpolation=rng.choice((1, 2)))


def _fax(rng: Random, noise: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Black and white with frayed lines."""
    grey = cv2.cvtColor(cv2.GaussianBlur(picture, (3, 3), 0.8), cv2.COLOR_RGB2GRAY)
    rough = grey.astype(np.float32) + _grain(noise, grey.shape, rng.uniform(8, 26))
    level = min(200.0, float(np.median(grey)) * 0.7) if np.median(grey) > 90 else 128.0
    binary = ((rough > level) * 255).astype(np.uint8)
    return cv2.cvtColor(binary, cv2.COLOR_GRAY2RGB)


def _pale(rng: Random, noise: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Little contrast."""
    gain = rng.uniform(0.3, 0.7)
    base = rng.uniform(0.2, 1.0) * 255 * (1 - gain)
    return (picture * gain + base).astype(np.uint8)


_WEARS = {
    "clean": _clean,
    "speckle": _speckle,
    "scan": _scan,
    "photo": _photo,
    "tiny": _tiny,
    "fax": _fax,
    "pale": _pale,
}


def _clouds(noise: np.random.Generator, shape: tuple[int, int], grain: int) -> np.ndarray:
    """Smooth patches between 0 and 1, float32 (H, W)."""
    small = noise.random((grain, grain), dtype=np.float32)
    return cv2.resize(small, shape[::-1], interpolation=cv2.INTER_CUBIC)


def _grain(noise: np.random.Generator, shape: tuple[int, int], amount: float) -> np.ndarray:
    """Fine noise of a given spread, float32 (H, W)."""
    bytes_ = np.frombuffer(noise.bytes(shape[0] * shape[1]), np.uint8).reshape(shape)
    return (bytes_.astype(np.float32) - 127.5) * (amount / 74)


def _jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    done, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)) if done else picture
