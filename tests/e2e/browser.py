"""A real browser, and a web server of a game's pages: of another origin than the API, as they are in life."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LOOPBACK_ONLY = "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
STOP_SECONDS = 5


def chromium() -> str | None:
    """Return the path of a browser on this machine, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Pages(ThreadingHTTPServer):
    """Serves one page at ``url``, and takes what its script posts to ``/report``."""

    daemon_threads = True

    def __init__(self, page: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.page = page.read_bytes()
        self.reports: Queue[bytes] = Queue()
        # Another site than 127.0.0.1, says a browser.
        self.url = f"http://localhost:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: Pages

    def do_GET(self) -> None:
        self._answer(self.server.page, "text/html; charset=utf-8")

    def do_POST(self) -> None:
        self.server.reports.put(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(b"", "text/plain")

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""

    def _answer(self, content: bytes, content_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving(page: Path) -> Iterator[Pages]:
    with Pages(page) as pages:
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        yield pages
        pages.shutdown()


@contextmanager
def browsing(browser: str, url: str, profile: Path) -> Iterator[None]:
    """Have a browser without a window show a page, which reaches nothing beyond this machine."""
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--no-first-run",
        f"--host-resolver-rules={LOOPBACK_ONLY}",
        f"--user-data-dir={profile}",
        "--remote-debugging-port=0",
        url,
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
