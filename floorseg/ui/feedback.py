"""How the page speaks to people when something is wrong."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import gradio as gr
from fastapi import HTTPException
from pydantic import ValidationError

from floorseg.errors import FloorsegError, PermissionRefused

P = ParamSpec("P")
R = TypeVar("R")

REFUSED = 403  # HTTP: understood, and not allowed


def explains_failures(handler: Callable[P, R]) -> Callable[P, R]:
    """For handlers of Gradio's events: show a ``FloorsegError`` as a message, let bugs surface."""

    @wraps(handler)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return handler(*args, **kwargs)
        except FloorsegError as problem:
            raise gr.Error(str(problem), print_exception=False) from problem

    return guarded


def answer_in_words(call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """For calls of our own scripts: a value, or ``{"error": sentence, "kind": class}``.

    Raises:
        HTTPException: 403 where the visitor may not do this, for scripts and raw calls alike.
    """
    try:
        return call()
    except PermissionRefused as refusal:
        raise HTTPException(REFUSED, str(refusal)) from refusal
    except FloorsegError as problem:
        return {"error": str(problem), "kind": type(problem).__name__}
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the request"
        return {"error": f"{place}: {first['msg']}; reload the page", "kind": "BadRequest"}
