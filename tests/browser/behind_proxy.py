"""A reverse proxy, as people put before the page: hands on what lies below a prefix, without it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.page_server import free_port

_OF_ONE_HOP = {"connection", "keep-alive", "transfer-encoding", "host"}


def make_proxy(prefix: str, target: str) -> Starlette:
    """Everything below ``prefix`` goes to ``target`` without it; the rest is not found."""
    client = httpx.AsyncClient(base_url=target, timeout=None)

    async def hand_on(request: Request) -> Response:
        path = request.url.path
        if path != prefix and not path.startswith(f"{prefix}/"):
            return PlainTextResponse("nothing here", status_code=404)
        url = httpx.URL(path=path[len(prefix) :] or "/", query=request.url.query.encode())
        kept = [(k, v) for k, v in request.headers.raw if k.decode() not in _OF_ONE_HOP]
        seen = (b"x-forwarded-host", request.headers["host"].encode())
        content = await request.body()
        asked = client.build_request(request.method, url, headers=[*kept, seen], content=content)
        answer = await client.send(asked, stream=True)
        headers = {k: v for k, v in answer.headers.items() if k not in _OF_ONE_HOP}
        return StreamingResponse(
            answer.aiter_raw(),
            answer.status_code,
            headers,
            background=BackgroundTask(answer.aclose),
        )

    return Starlette(routes=[Route("/{path:path}", hand_on, methods=["GET", "POST", "HEAD"])])


@contextmanager
def proxied(prefix: str, target: str) -> Iterator[str]:
    """Run the proxy; the address of the page behind it."""
    port = free_port()
    config = uvicorn.Config(make_proxy(prefix, target), port=port, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    waiting = threading.Event()
    while not server.started:
        waiting.wait(0.05)
    try:
        yield f"http://127.0.0.1:{port}{prefix}/"
    finally:
        server.force_exit = server.should_exit = True
        thread.join(10)
