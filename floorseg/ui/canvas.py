"""Components whose whole surface is our own JavaScript, and the calls they make.

``canvas.js`` and ``canvas_draw.js`` hold the drawing surface (``floorseg.Surface``); any tab's
script may put it into its own component. Surfaces of one group share zoom and pan.
"""

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr
from anyio import to_thread
from starlette.requests import Request

from floorseg.ui.feedback import answer_in_words

Handler = Callable[[dict[str, Any], str], dict[str, Any]]


def scripted_component(
    mount: str, handlers: Mapping[str, Handler], *, elem_id: str | None = None
) -> gr.HTML:
    """An empty component that a script of ours fills.

    Args:
        mount: name of the function in ``window.floorseg`` that is called with the element, the
            server's calls and Gradio's upload function.
        handlers: what the script can call as ``server.NAME(payload)``. Each takes the payload and
            the visiting page's session, and gives what JSON holds.
        elem_id: id in the page.
    """
    return gr.HTML(
        html_template='<div class="fs-root"></div>',
        js_on_load=f"window.floorseg.{mount}(element, server, upload);",
        server_functions=[_served(name, handler) for name, handler in handlers.items()],
        apply_default_css=False,
        elem_id=elem_id,
    )


def _served(name: str, handler: Handler) -> Callable[..., Any]:
    """As Gradio wants it: its route passes one list of arguments and the request."""

    async def call(arguments: list[Any], request: gr.Request) -> dict[str, Any]:
        session = await _session(request)
        payload = arguments[0] if isinstance(arguments, list) and arguments else arguments
        known = payload if isinstance(payload, dict) else {}
        known = {**known, "visitor": getattr(request, "username", None)}  # never the page's word
        return await to_thread.run_sync(lambda: answer_in_words(lambda: handler(known, session)))

    call.__name__ = name
    return call


async def _session(request: Any) -> str:
    """The page's session, which stands in the body that Gradio has read already."""
    inner: Request = getattr(request, "request", request)
    body = await inner.json()
    return str(body.get("session_hash") or "")
