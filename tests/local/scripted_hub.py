"""A hub that answers as a test tells it to: for what a real one does rarely, such as being away, busy or slow."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

UPLOAD_LIMITS = {
    "interval_seconds": 3600,
    "max_machines_performance": 10_000,
    "max_machines_inventory": 50_000,
    "max_bytes": 16 * 1024**2,
    "max_inflated_bytes": 64 * 1024**2,
}
REGISTERED: dict[str, Any] = {
    "appliance": "0195",
    "token": "appliance-token",
    "token_expires_at": "2099-01-01T00:00:00Z",
    "epoch": 1,
    "upload": UPLOAD_LIMITS,
}
Reply = tuple[int, dict[str, str], Any]
CUT = "cut the connection"


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(gzip.decompress(self.raw) if self.headers.get("content-encoding") == "gzip" else self.raw)


@dataclass
class ScriptedHub:
    """Gives the scripted replies one by one, then 200 with `accepted` to everything; remembers what it was sent."""

    url: str = ""
    replies: list[Reply | str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def reply(self, request: Request) -> Reply | str:
        self.requests.append(request)
        if self.replies:
            return self.replies.pop(0)
        if request.path.endswith("/register/"):
            return 201, {}, REGISTERED
        return 200, {}, {"accepted": len(request.body.get("machines", [])), "rejected": []}


def problem(status: int, code: str, **headers: str) -> Reply:
    return status, headers, {"status": status, "code": code, "detail": f"refused: {code}"}


@contextmanager
def scripted_hub() -> Iterator[ScriptedHub]:
    hub = ScriptedHub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = hub.reply(Request(self.path, headers, raw))
            if isinstance(answer, str):
                self.close_connection = True
                return
            status, extra, document = answer
            content = json.dumps(document).encode()
            self.send_response(status)
            for name, value in {**extra, "Content-Length": str(len(content))}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
