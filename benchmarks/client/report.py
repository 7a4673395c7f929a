"""What a measurement says: one object for machines, a table for people, the same table in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from benchmarks.client.machine import Machine
from benchmarks.client.peers.peer import Peer
from benchmarks.client.rounds import Measured, Spread, rates, ratios, spread


class ClientFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One client at one number of connections."""

    requests_per_cpu_s: Spread
    requests_per_s: Spread
    cores: Spread
    """How many cores the client kept busy."""
    others_cores: Spread
    """How many cores others than it and nginx kept busy meanwhile."""
    ratio: Spread | None = None
    """Requests of ours on the CPU time of one of the client's; None for ourselves."""


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """All clients at one number of connections."""

    ratios: dict[str, float]
    clients: dict[str, ClientFigures]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`--json`. `ratios` are medians at `connections`, the first number asked for."""

    ratios: dict[str, float]
    connections: int
    ours: str
    rounds: int
    warm_s: float
    window_s: float
    by_connections: dict[str, Level]
    versions: dict[str, str]
    lacks: dict[str, str]
    """What of the journey a client cannot do."""
    ways: dict[str, str]
    absent: list[str]
    machine: Machine


def level(measured: Measured, ours: str) -> Level:
    """The figures of one number of connections."""
    compared, per_cpu_s = ratios(measured, ours), rates(measured)
    clients = {
        name: ClientFigures(
            requests_per_cpu_s=per_cpu_s[name],
            requests_per_s=spread([one.requests / one.wall_s for one in windows]),
            cores=spread([one.cores for one in windows]),
            others_cores=spread([one.others_cores for one in windows]),
            ratio=compared.get(name),
        )
        for name, windows in measured.windows.items()
    }
    return Level(ratios={name: round(one.median, 3) for name, one in compared.items()}, clients=clients)


def table(report: Report, *, markdown: bool = False) -> str:
    """Lines for a terminal or for RESULTS.md: least – median – most over the rounds."""
    blocks = []
    for connections, figures in report.by_connections.items():
        head = (
            "client",
            "requests per CPU-second",
            f"{report.ours} ÷ client",
            "requests per second",
            "cores",
            "others' cores",
        )
        rows = [head] + [
            (
                name + ("*" if name in report.lacks else ""),
                _shown(one.requests_per_cpu_s, ",.0f"),
                _shown(one.ratio, ".2f") if one.ratio is not None else "",
                f"{one.requests_per_s.median:,.0f}",
                f"{one.cores.median:.2f}",
                f"{one.others_cores.median:.2f}",
            )
            for name, one in figures.clients.items()
        ]
        blocks.append(f"{connections} connections\n\n" + (_markdown(rows) if markdown else _aligned(rows)))
    return "\n\n".join([*blocks, "\n".join(notes(report, markdown=markdown))])


def notes(report: Report, *, markdown: bool = False) -> list[str]:
    """What must be read with the figures."""
    bullet = "- " if markdown else ""
    said = [f"{bullet}* {name} {lacks}." for name, lacks in report.lacks.items()]
    said += [f"{bullet}{name}: {version}; {report.ways[name]}." for name, version in report.versions.items()]
    said += [f"{bullet}Left out, for they are not here: {', '.join(report.absent)}."] if report.absent else []
    machine = report.machine
    said.append(
        f"{bullet}{machine.cpu}, {machine.cores} cores, {machine.memory_gib:g} GiB; {machine.system}; {machine.python};"
        f" {machine.nginx}, 1 worker. {report.rounds} rounds, windows of {report.window_s:g} s after"
        f" {report.warm_s:g} s; least – median – most over the rounds."
    )
    return said


def assemble(
    measured: list[Measured],
    peers: dict[str, Peer],
    *,
    ours: str,
    versions: dict[str, str],
    absent: list[str],
    rounds: int,
    warm_s: float,
    window_s: float,
    machine: Machine,
) -> Report:
    """The report of what was measured, at each number of connections in the order asked for."""
    levels = {str(one.connections): level(one, ours) for one in measured}
    return Report(
        ratios=levels[str(measured[0].connections)].ratios,
        connections=measured[0].connections,
        ours=ours,
        rounds=rounds,
        warm_s=warm_s,
        window_s=window_s,
        by_connections=levels,
        versions=versions,
        lacks={name: peers[name].lacks for name in versions if peers[name].lacks},
        ways={name: peers[name].way for name in versions},
        absent=absent,
        machine=machine,
    )


def _shown(one: Spread, form: str) -> str:
    return " – ".join(format(value, form) for value in (one.min, one.median, one.max))


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)


def _markdown(rows: Sequence[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])
