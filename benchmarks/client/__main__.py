"""Requests per second of CPU time: our own drivers and others, on the same journey, against the same nginx.

    python -m benchmarks.client [--quick] [--json | --markdown] [--connections 64 --connections 512] [--peers NAME,…]

Plays every client once per round, one after the other, and compares within a round: absolute times are noise on a
machine that does other things, ratios less so. Clients that are not installed are left out, and said. Linux only.
Exit 1 where a client did not do what was asked of it, 2 where nginx is absent, or everybody else.
"""

from __future__ import annotations

import argparse
import signal
import sys

import msgspec

from benchmarks.client.machine import this_machine
from benchmarks.client.nginx import Nginx, NginxError
from benchmarks.client.peers import OURS, PEERS
from benchmarks.client.report import assemble, table
from benchmarks.client.rounds import play
from benchmarks.client.window import Length, SpoiltError, Window, measure

_LENGTH, _ROUNDS, _CONNECTIONS = Length(warm_s=2.0, window_s=4.0), 5, (64, 512)
_QUICK_LENGTH, _QUICK_ROUNDS, _QUICK_CONNECTIONS = Length(warm_s=1.5, window_s=3.0), 3, (64,)


def main(arguments: list[str] | None = None) -> int:
    """Measure what was asked for."""
    options = _options(arguments)
    versions, absent = _present(options.peers)
    if not versions:
        return 2
    length, measured = options.length, []
    try:
        with Nginx() as server:
            for connections in options.connections:

                def turn(name: str, connections: int = connections) -> Window:
                    window = _measured_twice_at_most(name, server, connections, length)
                    _say(f"{connections:>4} connections  {name:<12} {window.per_cpu_s:>9,.0f} requests per CPU-second")
                    return window

                measured.append(play(list(versions), options.rounds, connections, turn))
    except NginxError as error:
        _say(str(error))
        return 2
    except SpoiltError as error:
        _say(f"spoilt: {error}")
        return 1
    report = assemble(
        measured,
        PEERS,
        ours=OURS,
        versions=versions,
        absent=absent,
        rounds=options.rounds,
        warm_s=length.warm_s,
        window_s=length.window_s,
        machine=this_machine(),
    )
    print(msgspec.json.encode(report).decode() if options.json else table(report, markdown=options.markdown))
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.client", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="three short rounds at 64 connections: under three minutes"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object and nothing else on stdout")
    form.add_argument("--markdown", action="store_true", help="print the tables of RESULTS.md")
    parser.add_argument("--connections", type=int, action="append", help="how many; again for a further measurement")
    parser.add_argument("--peers", default=",".join(PEERS), help=f"who plays, of {', '.join(PEERS)}")
    parser.add_argument("--rounds", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--warm", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--window", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.peers = list(dict.fromkeys(name.strip() for name in options.peers.split(",") if name.strip()))
    if unknown := [name for name in options.peers if name not in PEERS]:
        parser.error(f"no such client: {', '.join(unknown)}; there are {', '.join(PEERS)}")
    options.connections = options.connections or (_QUICK_CONNECTIONS if options.quick else _CONNECTIONS)
    options.rounds = options.rounds or (_QUICK_ROUNDS if options.quick else _ROUNDS)
    usual = _QUICK_LENGTH if options.quick else _LENGTH
    options.length = Length(warm_s=options.warm or usual.warm_s, window_s=options.window or usual.window_s)
    return options


def _present(names: list[str]) -> tuple[dict[str, str], list[str]]:
    """Who is here, with versions, and who is not; whoever is absent is said, and how to get it."""
    found = {name: PEERS[name].find() for name in names}
    absent = [name for name, version in found.items() if version is None]
    for name in absent:
        _say(f"{name} is not here and is left out: {PEERS[name].install}")
    return {name: version for name, version in found.items() if version is not None}, absent


def _measured_twice_at_most(name: str, server: Nginx, connections: int, length: Length) -> Window:
    """A spoilt turn is played once more, and said: a busy machine may lose a connection; twice is no accident."""
    try:
        return measure(PEERS[name], server, connections, length)
    except SpoiltError as error:
        _say(f"spoilt, once more: {error}")
        return measure(PEERS[name], server, connections, length)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    # Whoever is told to end ends what it started: a signal is an exception here, and every `with` is left.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.exit(main())
