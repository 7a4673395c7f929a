"""Machines that are too small for a crowd, by numbers that are given."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from surgectl.doctor.machine import Machine, look_at_machine, look_at_sources, machine_here
from tests.doctor.patients import ROOMY, plan, said, shop, wrong


def with_(**changed: object) -> Machine:
    return msgspec.structs.replace(ROOMY, **changed)


@pytest.mark.parametrize(
    ("machine", "fails", "words"),
    [
        (with_(most_files=1_024), "open files", "-Hn 1200"),
        (with_(ports=(60_000, 60_999)), "ports", "bind:"),
        (with_(free_bytes=400_000_000), "disk", "another disk"),
    ],
)
def test_what_a_crowd_of_two_thousand_needs(machine: Machine, fails: str, words: str) -> None:
    """Files, ports and disk that are too few are named with what to do."""
    found = look_at_machine(machine, shop(), plan(2_000))
    assert wrong(found) == [fails] and words in said(found, fails)[1]


async def test_addresses_to_come_from() -> None:
    """Several make room for as many crowds; one that this machine does not have, or that leads nowhere, is named."""
    two = shop(bind=["127.0.0.2", "127.0.0.3"])
    assert wrong(look_at_machine(with_(ports=(60_000, 60_999)), two, plan(2_000))) == []
    assert said(await look_at_sources(two), "bind")[0] == "pass" and await look_at_sources(shop()) == []
    verdict, words = said(await look_at_sources(shop(bind=["192.0.2.7"])), "bind")
    assert verdict == "fail" and "no address of this machine" in words


def test_a_machine_with_room() -> None:
    """Nothing to put right; the crowd's share of workers is told."""
    found = look_at_machine(ROOMY, shop(), plan(2_000))
    assert wrong(found) == [] and {one.verdict for one in found} == {"pass"}
    assert "2,000 fans play in 2 workers" in said(found, "cores")[1]


def test_what_the_system_does_not_say_is_unknown() -> None:
    """No port range, no disk: said aloud, and nobody's fault."""
    found = look_at_machine(with_(ports=None, free_bytes=None, backlog=None), shop(), plan(10))
    assert [one.name for one in found if one.verdict == "unknown"] == ["ports", "disk"]


def test_notes() -> None:
    """A slow loop, and more arrivals a second than a listener here lets wait."""
    found = look_at_machine(with_(uvloop=False, backlog=128), shop(), plan(2_000))
    assert [one.name for one in found if one.verdict == "note"] == ["uvloop", "backlog"]


def test_without_a_profile_limits_are_only_named(tmp_path: Path) -> None:
    """This very machine is read, and nothing is held against it."""
    found = look_at_machine(machine_here(tmp_path / "none" / "yet", cores=2, workers=1), shop())
    assert {"open files", "ports", "cores", "disk"} <= {one.name for one in found} and wrong(found) == []
