"""Serves the application on an address, and says under which link."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from contextlib import suppress

import uvicorn

from pipeline.browse.app import create_app
from pipeline.browse.guard import is_loopback
from pipeline.config_browse import BrowseJob
from pipeline.errors import ConfigError

LEAST_TOKEN = 16
"""Characters: fewer can be guessed."""


def token_of(settings: BrowseJob) -> str | None:
    """What visitors must bring: the file's token, else a new one where others reach the server.

    Raises:
        ConfigError: there is no such file, or its token is too short.
    """
    browse = settings.browse
    if browse.token_file is None:
        return None if is_loopback(browse.host) else secrets.token_urlsafe(24)
    try:
        token = settings.workspace.storage.read(browse.token_file).decode().strip()
    except (FileNotFoundError, UnicodeDecodeError) as error:
        raise ConfigError(f"browse.token_file: {browse.token_file}: {error}") from None
    if len(token) < LEAST_TOKEN:
        raise ConfigError(
            f"browse.token_file: {browse.token_file} holds {len(token)} characters; a token has "
            f"at least {LEAST_TOKEN}"
        )
    return token


def serve(settings: BrowseJob, *, say: Callable[[str], None]) -> None:
    """Serves until it is interrupted.

    Args:
        settings: the job's.
        say: tells the person where to look.

    Raises:
        ConfigError: the address cannot be listened on.
        TableError: there is no workspace.
    """
    token = token_of(settings)
    with _listener(settings) as listener:
        port = listener.getsockname()[1]
        app = create_app(settings, token=token, port=port)
        with app.state.site.library.session():
            pass  # a workspace that is not there is told before anybody looks
        host = settings.browse.host
        name = f"[{host}]" if ":" in host else host
        query = "" if token is None else f"/?token={token}"
        say(f"http://{name}:{port}{query}  (Ctrl+C ends it)")
        if not is_loopback(host):
            say("Others can reach this address, and plain HTTP hides nothing on its way.")
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
        with suppress(KeyboardInterrupt):  # uvicorn has closed by then, and says it once more
            uvicorn.Server(config).run(sockets=[listener])


def _listener(settings: BrowseJob) -> socket.socket:
    browse = settings.browse
    try:
        family = socket.getaddrinfo(browse.host, browse.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((browse.host, browse.port), family=family)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {browse.host}:{browse.port}: {error}. Give another --port or --host"
        ) from None
