"""Interactive segmentation for many browsers sharing one model and nothing else.

A plan comes in once, is encoded once a checkpoint, and answers clicks from then on. Knows nothing
of Gradio, widgets or colours.
"""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from time import perf_counter

import numpy as np
from torch import Tensor

from floorseg.core.checkpoint_info import CheckpointInfo
from floorseg.core.decoded import Decoded
from floorseg.core.device import resolve_device
from floorseg.core.enlarge import enlarge
from floorseg.core.everything import everything
from floorseg.core.patch import Patch
from floorseg.core.predictor import Embedding, Predictor
from floorseg.core.presets import find_preset
from floorseg.core.structures import MaskProposal, ProgressCallback, Prompt
from floorseg.errors import FloorsegError
from floorseg.services.borrowed_gpu import borrowed_predictor, borrows_gpu, gpu_is_borrowed
from floorseg.services.embeddings import EmbeddingCache
from floorseg.services.lanes import Lanes
from floorseg.services.memory import give_back
from floorseg.services.models import Loaded, Models
from floorseg.services.plans import Plan, PlanStore
from floorseg.services.searches import Search, Searches
from floorseg.services.uploads import read_picture
from floorseg.settings import Settings

MAX_POINTS = 100  # of one prompt: more are a mistake, or meant badly
_MODELS_KEPT = 4  # as many as the Compare tab sets side by side
_PREVIOUS_KEPT = 256  # small masks of earlier clicks, 64 to 256 KB each
_PUBLIC_SEARCH_SECONDS = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What the model says to one prompt.

    Attributes:
        patches: the candidates, best first.
        scores: the model's own estimate of each one's IoU, in [0, 1].
        seconds: how long the model took.
    """

    patches: tuple[Patch, ...]
    scores: tuple[float, ...]
    seconds: float


class Segmenter:
    """Answers prompts on open plans.

    Args:
        settings: where checkpoints lie, the device, and the limits.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        memory = int(settings.embedding_cache_mb * 1e6)
        self.plans = PlanStore(memory)
        self.embeddings = EmbeddingCache(memory)
        self.models = Models(settings, keep=_MODELS_KEPT, replaced=self.embeddings.forget_model)
        self.searches = Searches(max_seconds=_PUBLIC_SEARCH_SECONDS if settings.public else None)
        self._lanes = Lanes()
        # one thread each for the model: every thread that runs torch keeps threads and memory
        self._clicking = ThreadPoolExecutor(1, thread_name_prefix="click")
        self._encoding = ThreadPoolExecutor(1, thread_name_prefix="encode")
        self._previous: OrderedDict[tuple[object, ...], Tensor] = OrderedDict()
        self._previous_lock = Lock()

    # -- checkpoints

    def checkpoints(self) -> list[CheckpointInfo]:
        """The checkpoints that can be used, the default one first."""
        return self.models.listed()

    @property
    def device(self) -> str:
        """Where models compute: "cpu", "cuda", ..."""
        return str(resolve_device(self.settings.device))

    @property
    def lanes(self) -> Lanes:
        """Who may use the models now; other services' long work takes its lane too."""
        return self._lanes

    def predictor(self, checkpoint: str) -> Predictor:
        """The model of a listed checkpoint; see ``Models.get``."""
        return self.models.get(checkpoint).predictor

    def load(self, checkpoint: str) -> None:
        """Have a checkpoint ready; where a GPU is only borrowed, see that there is one."""
        if gpu_is_borrowed():
            self.models.find(checkpoint)
        else:
            self.models.get(checkpoint)

    def weight_bytes(self, checkpoint: str) -> int:
        """Memory that a checkpoint's weights take."""
        if gpu_is_borrowed():
            return self.models.find(checkpoint).stat().st_size
        model = self.predictor(checkpoint).model
        return sum(p.numel() * p.element_size() for p in model.parameters())

    # -- plans

    def open_plan(self, content: bytes, name: str, owner: str, *, page: int = 1) -> Plan:
        """Read a plan and hold it for a page; see ``read_picture`` for what is refused."""
        return self.plans.add(read_picture(content, name, self.settings, page=page), owner)

    def close_owner(self, owner: str) -> None:
        """Forget everything of a page that went away."""
        self.searches.forget_owner(owner)
        self.plans.forget_owner(owner)
        digests = self.plans.digests()
        self.embeddings.keep_only(digests)
        with self._previous_lock:
            for key in [k for k in self._previous if k[1] not in digests]:
                del self._previous[key]
        give_back()

    def prepare(self, token: str, checkpoint: str) -> float:
        """Encode a plan unless that is done; seconds it took."""
        start = perf_counter()
        if gpu_is_borrowed():  # nothing can be kept there
            return 0.0
        self._embed(self.plans.get(token), self.models.get(checkpoint))
        return perf_counter() - start

    def embedding_bytes(self, token: str, checkpoint: str) -> int:
        """Memory that a checkpoint's view of a plan takes; none where nothing is kept."""
        if gpu_is_borrowed():
            return 0
        return self._embed(self.plans.get(token), self.models.get(checkpoint)).nbytes

    # -- answers

    def segment(self, token: str, checkpoint: str, prompt: Prompt) -> Answer:
        """Candidates for one prompt, best first.

        Raises:
            FloorsegError: if the plan is gone, there is no such checkpoint, or the prompt is empty
                or endless.
        """
        if not prompt:
            raise FloorsegError("there is nothing to answer; click on the plan or draw a box")
        if len(prompt.points) > MAX_POINTS:
            raise FloorsegError(f"{len(prompt.points)} clicks are too many; {MAX_POINTS} will do")
        plan = self.plans.get(token)
        if gpu_is_borrowed():
            file = self.models.find(checkpoint)
            return _answer_at_once(file, self.settings.device, plan.pixels, prompt)
        model = self.models.get(checkpoint)
        embedding = self._embed(plan, model)
        start = perf_counter()

        def answer() -> tuple[Tensor, np.ndarray]:
            decoded = self._decode(model, embedding, plan, prompt)
            masks = enlarge(decoded.logits[0], plan.size) > 0
            return decoded.scores[0], masks.cpu().numpy()

        with self._lanes.click():
            found, pixels = self._clicking.submit(answer).result()
        scores = [min(max(float(score), 0.0), 1.0) for score in found]
        order = sorted(range(len(scores)), key=lambda i: -scores[i])
        patches = tuple(Patch.of(pixels[i]) for i in order)
        return Answer(patches, tuple(scores[i] for i in order), perf_counter() - start)

    def start_search(self, token: str, checkpoint: str, preset: str) -> Search:
        """Look for every region of a plan, in the background."""
        plan = self.plans.get(token)
        chosen = find_preset(preset)

        def find(progress: ProgressCallback, stop: Callable[[], bool]) -> list[MaskProposal]:
            if gpu_is_borrowed():
                file = self.models.find(checkpoint)
                return _search_at_once(file, self.settings.device, plan.pixels, preset)
            model = self.models.get(checkpoint)
            embedding = self._embed(plan, model)

            def pause_and_ask() -> bool:
                self._lanes.give_way()
                return stop()

            with self._lanes.long():
                return everything(
                    model.predictor, embedding, chosen,
                    progress=progress, stop=pause_and_ask,
                )  # fmt: skip

        self.load(checkpoint)
        return self.searches.start(plan.owner, find)

    def _embed(self, plan: Plan, model: Loaded) -> Embedding:
        return self.embeddings.get(
            (model.key, plan.digest), lambda: self._encode(model.predictor, plan)
        )

    def _encode(self, predictor: Predictor, plan: Plan) -> Embedding:
        with self._lanes.encode():
            return self._encoding.submit(predictor.encode, plan.pixels).result()

    def _decode(self, model: Loaded, embedding: Embedding, plan: Plan, prompt: Prompt) -> Decoded:
        """Three candidates for the first click or box; each further click mends the best one."""
        key = (model.key, plan.digest, prompt.points, prompt.box)
        previous = None
        if len(prompt.points) + (prompt.box is not None) > 1:
            before = prompt.without_last_point()
            earlier = (model.key, plan.digest, before.points, before.box)
            with self._previous_lock:
                previous = self._previous.get(earlier)
            if previous is None:
                first = self._decode(model, embedding, plan, before)
                previous = _best(first)
        decoded = model.predictor.decode_logits(
            embedding,
            [prompt],
            multimask=previous is None,
            previous=None if previous is None else previous[None],
        )
        with self._previous_lock:
            self._previous[key] = _best(decoded)
            while len(self._previous) > _PREVIOUS_KEPT:
                self._previous.popitem(last=False)
        return decoded


@borrows_gpu
def _answer_at_once(file: Path, device: str, pixels: np.ndarray, prompt: Prompt) -> Answer:
    """Encode and decode in one call, for a GPU that is only borrowed."""
    predictor = borrowed_predictor(file, device)
    start = perf_counter()
    multimask = len(prompt.points) + (prompt.box is not None) == 1
    [found] = predictor.decode(predictor.encode(pixels), [prompt], multimask=multimask)
    patches = tuple(Patch.of(proposal.mask) for proposal in found)
    return Answer(patches, tuple(p.score for p in found), perf_counter() - start)


@borrows_gpu
def _search_at_once(file: Path, device: str, pixels: np.ndarray, preset: str) -> list[MaskProposal]:
    return everything(borrowed_predictor(file, device), pixels, preset)


def _best(decoded: Decoded) -> Tensor:
    return decoded.chosen()[0]
