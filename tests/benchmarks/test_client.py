"""The harness that compares clients: who plays when, what a ratio is, what is read from where; one small real run."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.client.__main__ import main
from benchmarks.client.cpu import parse_stat, tree_cpu_s
from benchmarks.client.nginx import NO_NGINX, Nginx, NginxError, Status, find_nginx, parse_status
from benchmarks.client.peers import PEERS
from benchmarks.client.peers.peer import Asked, Peer, Started
from benchmarks.client.peers.product import Product
from benchmarks.client.peers.wrk import Wrk
from benchmarks.client.report import level
from benchmarks.client.rounds import Measured, Spread, order_of, play, ratios
from benchmarks.client.window import Length, SpoiltError, Window, check_connections, check_count, measure

needs_nginx = pytest.mark.skipif(find_nginx() is None, reason=NO_NGINX)
LOCUST = """
POST     /orders      52937     0(0.00%) |      4       0      33      4 | 7407.25        0.00
         Aggregated   52937     0(0.00%) |      4       0      33      4 | 7407.25        0.00

POST     /orders      67342     2(0.00%) |      4       0      33      4 | 8675.62        0.00
         Aggregated   67342     2(0.00%) |      4       0      33      4 | 8675.62        0.00
"""
K6 = """
    CUSTOM
    no_rule..............: 3       1.2/s
    HTTP
    http_req_failed......: 0.01% 14 out of 141204
    http_reqs............: 141204 23584.759229/s
"""
WRK = """
  37634 requests in 1.00s, 11.05MB read
  Non-2xx or 3xx responses: 34
"""
OHA = """{"summary": {"total": 1.0}, "statusCodeDistribution": {"200": 42901, "503": 7}, "errorDistribution": {}}"""


def window(requests: int, cpu_s: float = 1.0) -> Window:
    return Window(requests=requests, cpu_s=cpu_s, wall_s=2.0, own_count=requests, server_count=requests)


def asked(folder: Path) -> Asked:
    return Asked(url="http://127.0.0.1:1", connections=64, seconds=30, folder=folder)


def test_everybody_plays_once_a_round_and_nobody_always_first() -> None:
    rounds = [order_of(["a", "b", "c"], number) for number in range(3)]
    assert [sorted(one) for one in rounds] == [["a", "b", "c"]] * 3
    assert sorted(one[0] for one in rounds) == sorted(one[-1] for one in rounds) == ["a", "b", "c"]
    played: list[str] = []

    def turn(name: str) -> Window:
        played.append(name)
        return window(len(played))

    measured = play(["a", "b"], 3, 64, turn)
    assert played == ["a", "b", "b", "a", "a", "b"]
    assert [one.requests for one in measured.windows["a"]] == [1, 4, 5]


def test_a_ratio_is_of_one_round_and_the_median_of_all() -> None:
    """A machine that was slow in the second round was slow for both: the ratio does not see it."""
    measured = Measured(
        connections=64,
        windows={
            "wire": [window(1000), window(300), window(4000, cpu_s=4.0)],
            "k6": [window(500), window(100), window(500, cpu_s=2.0)],
        },
    )
    assert ratios(measured, "wire") == {"k6": Spread(2.0, 3.0, 4.0)}
    figures = level(measured, "wire")
    assert figures.ratios == {"k6": 3.0}
    assert figures.clients["wire"].requests_per_cpu_s == Spread(300.0, 1000.0, 1000.0)
    assert figures.clients["wire"].ratio is None
    assert ratios(Measured(connections=64, windows={"k6": [window(1)]}), "wire") == {}


def test_what_the_server_and_the_kernel_say() -> None:
    page = (
        "Active connections: 65 \nserver accepts handled requests\n 70 70 181234 \nReading: 0 Writing: 1 Waiting: 64 \n"
    )
    assert parse_status(page) == (65, 181234)
    with pytest.raises(NginxError):
        parse_status("<html>404 Not Found</html>")
    assert parse_stat("77 (a (wild) name) S 12 77 77 0 -1 4194304 1 2 3 4 150 25 30 5 20 0 8 0 1 2 3") == (12, 210)


def test_cpu_time_of_a_child_is_its_parents() -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}]); print(); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert tree_cpu_s(process.pid) >= 0.29
        assert process.stdin is not None
        process.stdin.close()
    assert tree_cpu_s(process.pid) == 0.0


def test_what_each_client_says_that_it_did(tmp_path: Path) -> None:
    """Good answers only, and None from whoever says nothing."""
    said = {"locust_fast": (LOCUST, 67340), "k6": (K6, 141187), "wrk": (WRK, 37600), "oha": (OHA, 42901)}
    for name, (output, count) in said.items():
        assert PEERS[name].counted(output, asked(tmp_path)) == count
        assert PEERS[name].counted("Killed\n", asked(tmp_path)) is None
    run = tmp_path / "bench" / "latest"
    run.mkdir(parents=True)
    assert PEERS["wire"].counted("", asked(tmp_path)) is None
    (run / "run.json").write_text('{"run": "1", "tally": {"sent": 77, "arrived": 64}}')
    assert PEERS["wire"].counted("", asked(tmp_path)) == 77


def test_a_turn_that_was_not_what_was_asked_for_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "said").write_text("connection refused")
    wrk = PEERS["wrk"]
    check_connections(wrk, Status(connections=64, requests=1), 64)
    with pytest.raises(SpoiltError, match="wrk holds 63 connections, not 64"):
        check_connections(wrk, Status(connections=63, requests=1), 64)
    ours = Product("aiohttp")
    check_connections(ours, Status(connections=50, requests=1), 64)
    for held in (31, 65):
        with pytest.raises(SpoiltError):
            check_connections(ours, Status(connections=held, requests=1), 64)
    good = Window(requests=900, cpu_s=1.0, wall_s=1.0, own_count=1000, server_count=1064)
    check_count(wrk, good, 64, tmp_path / "said")
    for spoilt in (
        Window(requests=900, cpu_s=1.0, wall_s=1.0, own_count=1000, server_count=2000),
        Window(requests=900, cpu_s=1.0, wall_s=1.0, own_count=None, server_count=1000),
        Window(requests=0, cpu_s=1.0, wall_s=1.0, own_count=0, server_count=0),
    ):
        with pytest.raises(SpoiltError, match="connection refused"):
            check_count(wrk, spoilt, 64, tmp_path / "said")


def test_whoever_is_absent_is_left_out_and_told_how_to_come(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("benchmarks.client.nginx._PLACES", (str(tmp_path),))
    assert main(["--peers", "wrk,k6,oha,vegeta", "--quick"]) == 2
    assert main(["--peers", "wire,wrk", "--quick"]) == 2  # nor is nginx here
    complaints = capsys.readouterr()
    assert complaints.out == ""
    for name in ("wrk", "k6", "oha", "vegeta"):
        assert f"{name} is not here and is left out: {PEERS[name].install}" in complaints.err
    assert NO_NGINX in complaints.err


class Fed(Peer):
    """Reads its stdin for a while, and goes without a single request."""

    name = install = "fed"

    def find(self) -> str | None:
        return "1"

    def start(self, asked: Asked) -> Started:
        said = "import sys; sys.exit(f'no targets after {len(sys.stdin.buffer.read(70000))} bytes')"
        return Started(words=[sys.executable, "-c", said], feed=self._lines())

    def _lines(self) -> Iterator[bytes]:
        while True:
            yield b"line\n" * 1000

    def counted(self, output: str, asked: Asked) -> int | None:
        return None


@pytest.mark.real
@needs_nginx
def test_nginx_ends_with_its_block_and_so_does_a_client_that_fails() -> None:
    with pytest.raises(SpoiltError, match="no targets after 70000 bytes"), Nginx() as server:
        port = server.port
        assert server.status() == server.status() == Status(connections=0, requests=0)
        measure(Fed(), server, 1, Length(warm_s=0.1, window_s=0.1))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


@pytest.mark.real
@needs_nginx
def test_both_drivers_are_measured_through_the_real_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Small windows: the shape is looked at, never the figures. Who is absent is in none of them."""
    monkeypatch.setattr(Wrk, "find", lambda self: None)
    words = ["--json", "--rounds", "1", "--warm", "0.2", "--window", "1", "--connections", "8"]
    assert main([*words, "--peers", "wire,wrk,aiohttp"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["connections"] == 8 and report["rounds"] == 1 and report["absent"] == ["wrk"]
    assert list(report["ratios"]) == ["aiohttp"] and report["ratios"] == report["by_connections"]["8"]["ratios"]
    for name in ("wire", "aiohttp"):
        client = report["by_connections"]["8"]["clients"][name]
        rate = client["requests_per_cpu_s"]
        assert 0 < rate["min"] == rate["median"] == rate["max"]
        assert report["versions"][name] == Product(name).find()
    assert report["machine"]["nginx"].startswith("nginx/")
