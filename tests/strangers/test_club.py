"""A shop for members: its fans have accounts, its API a machine's token, and its books name only the member."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tests.strangers.street import HERE, ROOT, Ended, started, until_open
from tests.toxiproxy_binary import free_port

pytestmark = pytest.mark.real

PROFILE = """\
surgectl: 1
name: club
seed: 5
sale: {tickets: 100, price: 25.00 EUR}
load:
  - {phase: doors, fans: 14, shape: constant, for: 3s}
fans: {brisk: 70%, twotabs: 30%}
probe: {step: about, rate: 5/s}
generator: {dropped_at_most: 10%, lag_p99_at_most: 3s, late_at_most: 5s}
settle: {at_most: 5s}
expect:
  invariants: {require: [DUPCHARGE, CHARGED_NO_TICKET, LOST_TICKET, DUPORDER]}
"""


def members(place: Path, number: int) -> Path:
    """A file as a spreadsheet saves it."""
    file = place / "members.csv"
    rows = "".join(f'"member-{n}@club.example";pass-of-{n};{n % 2}\r\n' for n in range(number))
    file.write_bytes(b"\xef\xbb\xbf" + f'"E-mail";"password";"Tier"\r\n{rows}'.encode())
    return file


def command(place: Path, port: int, *words: object, secret: str = "machine-hush") -> subprocess.CompletedProcess[str]:
    sets = [f"SHOP_URL=http://127.0.0.1:{port}", f"MEMBERS={place / 'members.csv'}"]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SURGECTL_")}
    return subprocess.run(
        [sys.executable, "-m", "surgectl", *map(str, words)] + [word for each in sets for word in ("--set", each)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env=clean | {"CLIENT_SECRET": secret},
        check=False,
    )


def rehearse(place: Path, port: int, **more: Any) -> Ended:
    (place / "club.yaml").write_text(PROFILE)
    (place / "fans").symlink_to(HERE / "fans")
    words = ["run", place / "club.yaml", "--target", HERE / "club.yaml", "--workers", 2, "--json", "--no-tui"]
    done = command(place, port, *words, "--reports", place / "reports", **more)
    report = json.loads(done.stdout) if done.stdout.startswith("{") else {}
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr, report=report)


def plain_members(place: Path, number: int) -> Path:
    """What the shop itself reads."""
    file = place / "shop.csv"
    file.write_text("E-mail,password\n" + "".join(f"member-{n}@club.example,pass-of-{n}\n" for n in range(number)))
    return file


def everything_in(folder: Path) -> bytes:
    """All that a run left, opened up."""
    whole = b""
    for file in folder.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            if file.suffix == ".zst":
                data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
            whole += data
    return whole


def test_members_buy_as_themselves_and_are_found_in_the_books(tmp_path: Path) -> None:
    """Exit 0 with two workers: tokens that end in the middle of the run, tabs that share a visit, orders of an hour ago
    that accuse nobody; and no password or token stands anywhere in what the run left."""
    port = free_port()
    members(tmp_path, 20)
    shop = ("-m", "tests.strangers.club", "--port", port, "--members", plain_members(tmp_path, 20))
    with started(*shop, log=tmp_path / "shop.log"):
        until_open(port)
        ended = rehearse(tmp_path, port)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/books/seen") as reply:
            (seen,) = json.load(reply)["rows"]
    assert ended.code == 0, ended.said
    assert seen["nobody"] == 0, "every token was renewed before it ended"
    assert 2 <= seen["tokens"] <= 8 and seen["visits"] == 14, seen
    bought = ended.finding("DUPORDER")["considered"]
    assert bought == 14, ended.said
    left = everything_in(tmp_path / "reports")
    assert b"member-3@club.example" in left
    assert b"Bearer ***" in left, "the shop told every fan, and it was hidden"
    for secret in ("pass-of-", "machine-hush", *seen["given"]):
        assert secret.encode() not in left, secret


def test_a_member_who_is_sold_two_orders_for_one_is_found(tmp_path: Path) -> None:
    """Exit 11: the second order and its money bear nothing of ours but the account."""
    port = free_port()
    members(tmp_path, 14)
    shop = ("-m", "tests.strangers.club", "--port", port, "--members", plain_members(tmp_path, 14), "--wrong", "twice")
    with started(*shop, log=tmp_path / "shop.log"):
        until_open(port)
        ended = rehearse(tmp_path, port)
    assert ended.code == 11 and "DUPORDER" in ended.failed, ended.said


def test_what_cannot_go_well_is_said_beforehand_or_in_the_transcript(tmp_path: Path) -> None:
    """Too few members: exit 2 with both numbers. `check --try` shows both logins and hides what they gave; a wrong
    secret of the machine ends it with the reason."""
    port = free_port()
    members(tmp_path, 13)
    shop = ("-m", "tests.strangers.club", "--port", port, "--members", plain_members(tmp_path, 14))
    with started(*shop, log=tmp_path / "shop.log"):
        until_open(port)
        few = rehearse(tmp_path, port)
        tried = command(tmp_path, port, "check", HERE / "club.yaml", "--try")
        wrong = command(tmp_path, port, "check", HERE / "club.yaml", "--try", secret="something-else")
    assert few.code == 2 and not (tmp_path / "reports").exists()
    assert "fans_from: 14 fans come, and the file has 13 rows" in few.err
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert "login-api" in tried.stdout and "login-member" in tried.stdout
    assert "pass-of-" not in tried.stdout and "machine-hush" not in tried.stdout
    assert "login api: answered 401, invalid_client" in wrong.stdout, wrong.stdout
    assert wrong.returncode == 12
