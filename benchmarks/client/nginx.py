"""The server that all clients meet: Debian's nginx, one worker, on a free port of the loopback, for one measurement.

Its own counters are the measure: what a client says about itself is only checked against them.
"""

from __future__ import annotations

import http.client
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

import msgspec

NO_NGINX = "nginx is not installed: apt-get install nginx (Debian), and it need not be running"
_WITHIN_S = 5.0
_PLACES = ("/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin")
_CONFIGURATION = """
worker_processes 1; daemon off; pid {home}/pid; error_log {home}/error.log;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 300s; default_type application/json;
  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
  map $cookie_sid $fresh {{ "" "sid=4f1c9d2e7b; Path=/; HttpOnly"; default ""; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /orders {{
      add_header Set-Cookie $fresh;
      return 200 '{{"order":"o-123456","state":"open","total":4500,"currency":"EUR","poll_after_ms":500}}';
    }}
    location = /status {{ stub_status; }}
  }}
}}
"""
_STATUS = re.compile(r"Active connections: (\d+)\s+server accepts handled requests\s+(\d+) (\d+) (\d+)")


class Status(msgspec.Struct, frozen=True):
    """What nginx counted, without what we asked ourselves."""

    connections: int
    """Open now."""
    requests: int
    """Begun since the server began."""


class NginxError(Exception):
    """nginx is absent, or does not do what it should."""


def find_nginx() -> str | None:
    """Its path, or None. Debian keeps it where an ordinary user's PATH does not look."""
    return shutil.which("nginx") or next((at for p in _PLACES if (at := shutil.which("nginx", path=p))), None)


def parse_status(page: str) -> tuple[int, int]:
    """stub_status's page → (open connections, requests begun). NginxError where it is another page."""
    found = _STATUS.search(page)
    if found is None:
        raise NginxError(f"stub_status said something else: {page[:80]!r}")
    return int(found[1]), int(found[4])


class Nginx:
    """`with Nginx() as server`: started, answering, and ended whichever way the block is left."""

    def __init__(self) -> None:
        self.port = 0
        self._home = tempfile.TemporaryDirectory(prefix="bench-nginx-")
        self._process: subprocess.Popen[bytes] | None = None
        self._asking: http.client.HTTPConnection | None = None
        self._asked = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of its master process."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Nginx:
        binary = find_nginx()
        if binary is None:
            raise NginxError(NO_NGINX)
        with socket.create_server(("127.0.0.1", 0)) as door:
            self.port = door.getsockname()[1]
        home = Path(self._home.name)
        (home / "nginx.conf").write_text(_CONFIGURATION.format(home=home, port=self.port), encoding="utf-8")
        try:
            # Not a session of its own: whoever ends the harness's group by force ends nginx with it.
            self._process = subprocess.Popen(
                [binary, "-p", str(home), "-c", str(home / "nginx.conf"), "-e", str(home / "error.log")],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            self._wait_until_it_answers(home / "error.log")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def status(self) -> Status:
        """Its counters now, over a connection that stays open: one connection and these requests are taken off."""
        if self._asking is None:
            self._asking = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_WITHIN_S)
        self._asking.request("GET", "/status")
        page = self._asking.getresponse().read().decode("latin-1")
        self._asked += 1
        connections, requests = parse_status(page)
        return Status(connections=connections - 1, requests=requests - self._asked)

    def _wait_until_it_answers(self, log: Path) -> None:
        assert self._process is not None
        until = time.monotonic() + _WITHIN_S
        while True:
            if self._process.poll() is not None:
                said = log.read_text(encoding="utf-8", errors="replace").strip() if log.exists() else ""
                raise NginxError(f"nginx ended at once: {said or self._process.returncode}")
            try:
                self.status()
                return
            except OSError as error:
                self._asking, self._asked = None, 0
                if time.monotonic() > until:
                    raise NginxError(f"nginx does not answer on {self.url}") from error
                time.sleep(0.02)

    def _end(self) -> None:
        if self._asking is not None:
            self._asking.close()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._home.cleanup()
