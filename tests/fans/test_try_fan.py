"""`surgectl check --try`: one fan through a real shop, told step by step."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from surgectl.cli.try_fan import try_target
from surgectl.errors import RefusedError, UsageError


class Counter(BaseHTTPRequestHandler):
    """A small shop: a page, a hold that is ready after three looks, a payment, and one page that nobody expects."""

    looks = 0

    def do_GET(self) -> None:
        if self.path.startswith("/holds/"):
            type(self).looks += 1
            return self.answer(200, {"state": "HELD" if self.looks >= 3 else "WAIT", "total": 4200})
        self.answer(200 if self.path == "/" else 418, {"hint": "\x1b[31mteapot\u202e"})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.answer(202 if self.path == "/holds" else 201, {"id": 7, "secret": self.headers.get("X-Secret")})

    def answer(self, status: int, body: object) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args: object) -> None:
        """Silence."""


@pytest.fixture
def url() -> Iterator[str]:
    Counter.looks = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Counter)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


TARGET = """
surgectl-target: 1
name: counter
base_url: "${SHOP_URL}"
headers: {X-Secret: "${COUNTER_SECRET:-none}"}
mint: {key: "{uuid}"}
journey:
  - {step: page, get: /}
  - step: hold
    role: hold
    post: /holds
    outcomes: [{when: {status: 202}, then: poll}]
    take: {hold: {json: id}, secret: {json: secret}}
    poll: {get: "/holds/{hold}", every: 50ms, outcomes: [{when: {json: {state: HELD}}, then: next}],
           claims: {amount: {json: total, money: minor EUR}}}
"""
PAY = """
  - step: pay
    role: pay
    post: /pay
    headers: {Idempotency-Key: "{key}"}
    outcomes: [{when: {status: 201}, end: confirmed}]
"""


def write(folder: Path, rest: str) -> str:
    file = folder / "counter.yaml"
    file.write_text(TARGET + rest)
    return str(file)


def test_a_newcomer_sees_what_each_step_did(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Request, status, rule, values, claims, polls and the end; exit 0, for a rule named how it ended."""
    assert try_target(write(tmp_path, PAY), {"SHOP_URL": url}) == 0
    said = capsys.readouterr().out
    assert f"POST {url}/holds" in said
    assert "rule 0: {when: {status: 202}, then: poll}" in said
    assert "hold   = 7" in said and "amount_minor = 4200" in said
    assert "poll 3 after" in said
    assert "Idempotency-Key" not in said and "key " in said
    assert "ended confirmed (ok) after 6 requests" in said


def test_what_came_from_the_environment_is_not_shown(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where the shop sends it back."""
    monkeypatch.setenv("COUNTER_SECRET", "hunter22")
    assert try_target(write(tmp_path, PAY), {"SHOP_URL": url}) == 0
    said = capsys.readouterr().out
    assert "hunter22" not in said and "secret = ***" in said


def test_an_unnamed_reply_shows_what_a_rule_would_have_to_name(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status, content type and body, made harmless; exit 12, for nobody knows what it means."""
    odd = "  - {step: odd, get: /tea}\n"
    assert try_target(write(tmp_path, odd), {"SHOP_URL": url}, "sdk") == 12
    said = capsys.readouterr().out
    assert "no rule names this 418" in said and "teapot" in said
    assert "\x1b[31m" not in said and "\u202e" not in said
    assert "ended unknown (info)" in said


def test_a_variable_that_no_step_took_is_an_error_of_the_file(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2, with the step that should have taken it."""
    late = "  - {step: lost, get: '/{token}'}\n  - {step: late, get: /, take: {token: {json: t}}}\n"
    assert try_target(write(tmp_path, late), {"SHOP_URL": url}) == 2
    said = capsys.readouterr().out
    assert "journey[2]: step lost needs {token}" in said and "step late should have taken it" in said


def test_nobody_there_is_inconclusive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 12 and the reason, after the tries of that profile."""
    assert try_target(write(tmp_path, PAY), {"SHOP_URL": "http://127.0.0.1:9"}, "bot") == 12
    assert "ended not-sent (fail) after 20 requests" in capsys.readouterr().out


def test_a_strange_host_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    """A trial is a request like any other: the target must allow its host."""
    with pytest.raises(RefusedError):
        try_target(write(tmp_path, PAY), {"SHOP_URL": "http://192.0.2.1"})


def test_a_mistake_in_the_file_has_its_line(tmp_path: Path) -> None:
    """File, line and path, and nothing sent."""
    with pytest.raises(UsageError, match=r"counter.yaml:\d+.*journey\[2\].outcomes\[0\].then"):
        try_target(write(tmp_path, PAY.replace("end: confirmed", "then: nxet")), {"SHOP_URL": "http://127.0.0.1:9"})


def test_a_link_that_nobody_put_up_is_said(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A rehearsal puts its links up and one fan does not: who tries a shop that pays through one is told beforehand."""
    with socket.create_server(("127.0.0.1", 0)) as open_, socket.create_server(("127.0.0.1", 0)) as closed:
        up, down = open_.getsockname()[1], closed.getsockname()[1]
        closed.close()
        links = f"""
links:
  payments: {{upstream: "127.0.0.1:9", listen: "127.0.0.1:{down}"}}
  cache: {{upstream: "127.0.0.1:9", listen: "127.0.0.1:{up}"}}
  mail: {{upstream: "", listen: "127.0.0.1:{down}"}}
  search: {{proxy: mine}}
"""
        assert try_target(write(tmp_path, PAY + links), {"SHOP_URL": url}) == 0
    said = capsys.readouterr().out
    assert f"link payments: nobody listens at 127.0.0.1:{down}" in said
    assert said.count("nobody listens") == 1
