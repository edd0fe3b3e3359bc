"""Settings from flags, and how the page is served."""

import os
from pathlib import Path

import gradio as gr
from pydantic import ValidationError
from starlette.middleware import Middleware

from floorseg.errors import ConfigError, FloorsegError
from floorseg.settings import Settings
from floorseg.ui.api import hide_what_is_not_api
from floorseg.ui.limits import BodyLimit
from floorseg.ui.theme import make_theme, page_css, page_head


def read_settings(arguments: list[str] | None = None) -> Settings:
    """Settings from flags over the environment (``FLOORSEG_...``) over defaults.

    ``--help`` ends the program with the list of all options.

    Args:
        arguments: instead of the program's own.

    Raises:
        ConfigError: if a value is impossible.
    """
    from pydantic_settings import CliApp, SettingsConfigDict

    class Flags(Settings):
        """Serve the floorseg page."""

        model_config = SettingsConfigDict(
            cli_prog_name="python app.py",
            cli_kebab_case=True,
            cli_implicit_flags=True,
            cli_avoid_json=True,
            cli_hide_none_type=True,
        )

    try:
        return CliApp.run(Flags, cli_args=arguments)
    except ValidationError as problem:
        wrong = [
            f"{'.'.join(str(part) for part in error['loc'])} {error['input']!r}: {error['msg']}"
            for error in problem.errors()
        ]
        raise ConfigError(f"{'; '.join(wrong)}; see python app.py --help") from problem


def accounts(settings: Settings) -> list[tuple[str, str]] | None:
    """Users and passwords that the page asks for, or None.

    Raises:
        ConfigError: if the file cannot be read or a line is not ``user:password``, or a user is
            set without a password.
    """
    if settings.auth_file is not None:
        try:
            lines = settings.auth_file.read_text(encoding="utf-8").splitlines()
        except OSError as problem:
            raise ConfigError(
                f"the file of users {settings.auth_file} cannot be read: {problem.strerror}"
            ) from problem
        return [_account(line, settings.auth_file) for line in lines if line.strip()]
    if not settings.auth_user and not settings.auth_password:
        return None
    if not settings.auth_user or not settings.auth_password:
        raise ConfigError(
            "a user needs a password and a password a user; set FLOORSEG_AUTH_USER and "
            "FLOORSEG_AUTH_PASSWORD both"
        )
    return [(settings.auth_user, settings.auth_password)]


def _account(line: str, file: Path) -> tuple[str, str]:
    user, colon, password = line.strip().partition(":")
    if not user or not colon or not password:
        raise ConfigError(f"{file}: every line must be user:password; one is not")
    return user, password


def launch(page: gr.Blocks, settings: Settings, *, block: bool = True) -> str:
    """Serve the page; its address.

    Args:
        page: as ``build_page`` returns it.
        settings: host, port, path prefix, accounts and limits.
        block: whether to wait until the server is interrupted.
    """
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    hide_what_is_not_api(page)
    limit = int(settings.max_upload_mb * 1e6)
    try:
        _, address, _ = page.queue(max_size=200, default_concurrency_limit=8).launch(
            server_name=settings.host,
            server_port=settings.port or None,
            root_path=settings.root_path or None,
            share=settings.share,
            auth=accounts(settings),
            theme=make_theme(),
            css=page_css(),
            head=page_head(),
            footer_links=[],
            run_history=False,
            max_file_size=limit,
            max_threads=80,
            enable_monitoring=False,
            ssr_mode=False,
            show_error=True,
            app_kwargs={"middleware": [Middleware(BodyLimit, max_bytes=limit + 1_000_000)]},
            prevent_thread_lock=not block,
        )
    except OSError as problem:
        raise FloorsegError(
            f"the page cannot be served at port {settings.port}: {problem}; "
            "choose another with --port"
        ) from problem
    return str(address)
