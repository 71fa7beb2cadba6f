"""What the fake providers share: an HTTP server on a free port of this machine."""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class LoopbackServer:
    """Serves as long as it is entered as a context manager.

    Attributes:
        stopping: Set when the server is to end, for handlers that wait.
    """

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """Who answers; gets this server as its attribute ``fake``."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self.stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), type("Handler", (self.handler(),), {"fake": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def openai_url(self) -> str:
        """For ``OPENAI_BASE_URL``."""
        return f"{self.url}/v1"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A caller that hangs up is a part of the tests; anything else is a bug of the fake.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
