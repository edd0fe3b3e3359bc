"""Why a file is not a checkpoint, in one sentence with the remedy."""

import re
from pathlib import Path

_HEAD = 512  # bytes
_AGAIN = "get the file once more"
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"%PDF")


def diagnose(path: Path, problem: Exception) -> str:
    """The sentence for ``problem``, met while reading ``path``."""
    if not path.exists():
        return f"{path} does not exist"
    if path.is_dir():
        return f"{path} is a folder; name a file in it"
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as refused:
        return f"{path} cannot be read: {refused.strerror}"
    size = path.stat().st_size
    return _from_bytes(path, head, size) or _from_problem(path, head, size, problem)


def _from_bytes(path: Path, head: bytes, size: int) -> str | None:
    if not head:
        return f"{path} is empty: its download or copy did not happen; {_AGAIN}"
    if head.startswith(b"version https://git-lfs"):
        return (
            f"{path} is a Git LFS pointer ({size} bytes), not the weights; "
            "run 'git lfs install && git lfs pull' in its repository"
        )
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return (
            f"{path} is a web page, not weights: the link led to a page with a button or an error; "
            "download with the direct link"
        )
    if text.startswith((b"<?xml", b"<")):
        return f"{path} is an XML answer of a server, most often an error; {_AGAIN}"
    if head.startswith(_PICTURES):
        return f"{path} is a picture or document, not weights; name a .pt or .safetensors file"
    return None


def _from_problem(path: Path, head: bytes, size: int, problem: Exception) -> str:
    said = str(problem)
    code = re.search(r"(?:GLOBAL|global)\s+`?([\w.]+)`?", said)
    if code and "weights only" in said.lower():
        return (
            f"{path} is a pickle that wants to run code ({code[1]}), which was not done; "
            "ask its author for the state dict alone: torch.save(model.state_dict(), ...)"
        )
    megabytes = f"{size / 1e6:.1f} MB"
    if head.startswith(b"PK"):
        return f"{path} is cut off or damaged: {megabytes} without a readable end; {_AGAIN}"
    if path.suffix == ".safetensors":
        return f"{path} is cut off or damaged ({megabytes}, {_short(said)}); {_AGAIN}"
    if head.startswith(b"\x80"):
        return f"{path} is cut off, damaged or not made by torch.save ({megabytes}); {_AGAIN}"
    return f"{path} is not a checkpoint ({megabytes} of something else); {_AGAIN}"


def _short(text: str) -> str:
    return text.splitlines()[0][:100] if text else "no reason given"
