"""Which SAM 2 a set of weights belongs to, and how to build it.

The official architectures are read from sam2's own package, nano from ``nano.yaml`` beside this
file. Configs are read with OmegaConf, never composed by Hydra, so that Hydra's global state (which
the trainer and other programs use) stays as it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, cast

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from sam2.modeling.sam2_base import SAM2Base
from torch.overrides import TorchFunctionMode

from floorseg.errors import ConfigError

# What sam2's own build_sam2 adds: an unstable single answer gives way to the best of three.
_SINGLE_MASK = {
    "dynamic_multimask_via_stability": True,
    "dynamic_multimask_stability_delta": 0.05,
    "dynamic_multimask_stability_thresh": 0.98,
}
_FILLS = {"normal_", "uniform_", "kaiming_uniform_", "xavier_uniform_"}
_STRIDE = 16  # of the image embedding, in pixels
_STEP = 32  # image sizes must be multiples of it: the first stage tiles windows of 8 x 4 px patches


@dataclass(frozen=True, slots=True)
class Architecture:
    """One SAM 2, by name.

    Attributes:
        name: how people call it: "nano", "sam2.1_small", ...
        title: how a table shows it.
        package: where its config lies.
        resource: the config's path inside the package.
        embed_dim: channels of the first stage, recognisable in the weights.
        blocks: transformer blocks of the image encoder.
        width: channels of the image embedding.
        newer: SAM 2.1, which learnt a few parameters that SAM 2 does not have.
        changes: dotted assignments below the config's model that make it this one.
    """

    name: str
    title: str
    package: str
    resource: str
    embed_dim: int
    blocks: int
    width: int
    newer: bool
    changes: tuple[str, ...] = ()

    def config(self, image_size: int | None = None, *, overrides: Sequence[str] = ()) -> DictConfig:
        """The model's config in sam2's format, for ``hydra.utils.instantiate``.

        Args:
            image_size: pixels, a multiple of 32; None for the architecture's own.
            overrides: dotted assignments below the model, as in ``["image_size=256"]``.

        Raises:
            ConfigError: if the image size cannot be used.
        """
        config = OmegaConf.create({"model": _read(self.package, self.resource)}).model
        size = config.image_size if image_size is None else check_image_size(image_size)
        config.image_size = size
        config.sam_mask_decoder_extra_args = _SINGLE_MASK
        for attention in ("self_attention", "cross_attention"):
            config.memory_attention.layer[attention].feat_sizes = [size // _STRIDE] * 2
        config.merge_with_dotlist([*self.changes, *overrides])
        return config

    @property
    def image_size(self) -> int:
        """Pixels the model works at unless a checkpoint says otherwise."""
        return int(_read(self.package, self.resource)["image_size"])

    def build(self, image_size: int | None = None, *, empty: bool = False) -> SAM2Base:
        """The model on the CPU, with random weights.

        Args:
            image_size: pixels, a multiple of 32; None for the architecture's own.
            empty: leave most parameters without memory (on torch's meta device), for a caller
                who assigns all of them next.
        """
        config = self.config(image_size)
        if not empty:
            return instantiate(config, _recursive_=True)
        with _ParametersWithoutMemory():
            return instantiate(config, _recursive_=True)


class _ParametersWithoutMemory(TorchFunctionMode):
    """Layers ask for their parameters with ``torch.empty``: those, and nothing else, go to meta.

    A plain ``torch.device("meta")`` would also catch the tables that the constructors compute.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.empty:
            kwargs["device"] = "meta"
        elif getattr(func, "__name__", "") in _FILLS:
            tensor = args[0] if args else kwargs["tensor"]
            if tensor.is_meta:  # nothing to fill; and torch would import its compiler, for seconds
                return tensor
        return func(*args, **kwargs)


def _official(version: str, letter: str, size: str, embed_dim: int, blocks: int) -> Architecture:
    return Architecture(
        name=f"{version}_{size}",
        title=f"{version.upper().replace('SAM', 'SAM ')} {size.replace('_plus', '+')}",
        package="sam2",
        resource=f"configs/{version}/{version}_hiera_{letter}.yaml",
        embed_dim=embed_dim,
        blocks=blocks,
        width=256,
        newer=version == "sam2.1",
    )


def _nano(name: str, title: str, blocks: int, changes: tuple[str, ...] = ()) -> Architecture:
    return Architecture(name, title, "floorseg.core", "nano.yaml", 32, blocks, 128, True, changes)


_SIZES = (  # letter in the config's name, name, channels of the first stage, blocks
    ("t", "tiny", 96, 12),
    ("s", "small", 96, 16),
    ("b+", "base_plus", 112, 24),
    ("l", "large", 144, 48),
)

# As it was first published: "floorseg checkpoints deepen" makes such a file one of today's.
_NINE_BLOCKS = (
    "image_encoder.trunk.stages=[1,2,5,1]",
    "image_encoder.trunk.global_att_blocks=[4,7]",
)

ARCHITECTURES: Mapping[str, Architecture] = {
    architecture.name: architecture
    for architecture in (
        _nano("nano", "SAM 2.1 nano", 12),
        _nano("nano_9", "SAM 2.1 nano-9", 9, _NINE_BLOCKS),
        *(_official(version, *size) for version in ("sam2.1", "sam2") for size in _SIZES),
    )
}


def find_architecture(name: str) -> Architecture:
    """The architecture called ``name``.

    Raises:
        ConfigError: if there is none, with the names that come close.
    """
    if name in ARCHITECTURES:
        return ARCHITECTURES[name]
    near = get_close_matches(name, ARCHITECTURES, n=3) or list(ARCHITECTURES)
    raise ConfigError(f"no architecture is called {name!r}; did you mean {', '.join(near)}?")


def recognise(shapes: Mapping[str, Sequence[int]]) -> Architecture | None:
    """The architecture whose weights these are, or None where nothing fits.

    Args:
        shapes: shape of each tensor by its name in the model.
    """
    patches = shapes.get("image_encoder.trunk.patch_embed.proj.weight")
    embedding = shapes.get("no_mem_embed")
    if patches is None or embedding is None:
        return None
    blocks = {key.split(".")[3] for key in shapes if key.startswith("image_encoder.trunk.blocks.")}
    found = (patches[0], len(blocks), embedding[-1], "no_obj_embed_spatial" in shapes)
    for known in ARCHITECTURES.values():
        if (known.embed_dim, known.blocks, known.width, known.newer) == found:
            return known
    return None


def check_image_size(size: int) -> int:
    """``size`` itself, where a model can work at it.

    Raises:
        ConfigError: if it is not a positive multiple of 32.
    """
    if size < _STEP or size % _STEP:
        nearest = max(_STEP, round(size / _STEP) * _STEP)
        raise ConfigError(
            f"image_size must be a multiple of {_STEP} pixels, got {size}; try {nearest}"
        )
    return size


@cache
def _read(package: str, resource: str) -> dict[str, Any]:
    text = files(package).joinpath(resource).read_text(encoding="utf-8")
    return cast(dict[str, Any], OmegaConf.to_container(OmegaConf.create(text).model, resolve=True))
