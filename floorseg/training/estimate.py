"""What a training will need: memory, disk, time. Rules of thumb, with where they come from."""

from dataclasses import dataclass

ENCODER_ARRAYS = 30  # arrays of the first stage that a training step keeps for its backward pass
DECODER_BYTES = 260  # kept for each object, click and pixel of the stride-4 map, at width 256
ADAM_BYTES = 16  # a trained weight: itself, its gradient, and Adam's two averages, all float32
NANO_SECONDS = 0.36  # a nano step's seconds an image at 512 px, on two CPU cores, 6 prompts
CLICK_SECONDS = 0.175  # a further click on one object at 1024 px and width 256, on two cores


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What a step does.

    Attributes:
        weights: parameters of the model; trained: those that learn.
        embed_dim: channels of the encoder's first stage; width: of the image embedding.
        image_size: pixels a side; batch: images; objects: masks an image; clicks: corrections.
        frozen: whether the encoder does not learn (nothing is kept for its backward pass).
        half: whether activations are bfloat16.
    """

    weights: int
    trained: int
    embed_dim: int
    width: int
    image_size: int
    batch: int
    objects: int
    clicks: int
    frozen: bool
    half: bool


@dataclass(frozen=True, slots=True)
class Estimate:
    """Gigabytes of memory and disk, and seconds a step on two CPU cores."""

    memory_gb: float
    checkpoint_gb: float
    cpu_seconds: float


def estimate(load: Workload) -> Estimate:
    """What a step of this work takes.

    Memory: weights with their optimizer, the encoder's activations (proportional to the tokens of
    its first and widest stage; a forward pass alone keeps a third), the decoder's for each click.
    Time: nano's measured pace, scaled by pixels and by the square of the width.
    """
    number = 2 if load.half else 4  # bytes
    tokens = (load.image_size // 4) ** 2
    encoder = ENCODER_ARRAYS * number * load.embed_dim * tokens * load.batch
    if load.frozen:
        encoder //= 3
    prompts = load.batch * load.objects * (1 + load.clicks)
    decoder = DECODER_BYTES * number / 2 * load.width / 256 * tokens * prompts
    held = 4 * (load.weights - load.trained) + (ADAM_BYTES + 4) * load.trained
    return Estimate(
        memory_gb=(held + encoder + decoder) / 1e9 + 0.8,  # python and torch themselves
        checkpoint_gb=(4 * load.weights + 12 * load.trained) / 1e9,
        cpu_seconds=_seconds(load),
    )


def _seconds(load: Workload) -> float:
    pixels = (load.image_size / 512) ** 2
    step = NANO_SECONDS * pixels * (load.embed_dim / 32) ** 2
    if load.frozen:
        step /= 3
    clicks = CLICK_SECONDS * pixels / 4 * (load.width / 256) ** 2
    return load.batch * (step + clicks * load.objects * load.clicks)
