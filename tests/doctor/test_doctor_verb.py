"""`surgectl doctor`, as a person and as a script call it."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner, Result

from surgectl.chaos.toxiproxy import Toxiproxy
from surgectl.cli.doctor import doctor
from surgectl.clock import SystemClock
from surgectl.doctor.checkup import SCHEMA, Examination
from surgectl.errors import UsageError
from surgectl.proxy.server import serving as proxy_serving
from tests.doctor.corner_shop import TARGET, CornerShop, opened
from tests.profile.desk import Desk

app = typer.Typer()
app.command()(doctor)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path)


def run(*args: str, columns: int = 200) -> Result:
    shown = CliRunner().invoke(app, args, env={"COLUMNS": str(columns)})
    if shown.exception and not isinstance(shown.exception, SystemExit):
        raise shown.exception
    return shown


def test_a_host_that_nobody_allowed(desk: Desk) -> None:
    """13, with the line to write; nothing was sent, and this machine was looked at all the same."""
    path = desk.write_target(TARGET)
    sets = ("SHOP_URL=http://192.0.2.7", "PAY_ADDR=127.0.0.1:1", "PAY_LINK=127.0.0.1:2")
    shown = run(str(path), *(word for text in sets for word in ("--set", text)))
    assert shown.exit_code == 13
    assert "allow: [192.0.2.7]" in shown.output and "unknown shop" in shown.output and "open files" in shown.output


def test_what_is_not_set(desk: Desk) -> None:
    """2, as a run would say, and each name."""
    shown = run(str(desk.write_target(TARGET)))
    assert shown.exit_code == 2
    assert "${SHOP_URL}: is not set" in shown.output and "${PAY_LINK}" in shown.output


def test_the_stage_is_put_up_by_the_run(desk: Desk) -> None:
    """A profile of the built-in shop has nothing to be put right beforehand."""
    desk.write_target((desk.folder / "targets/shop.yaml").read_text().replace(":-http://127.0.0.1:8000", ""))
    shown = run("drop.yaml")
    assert shown.exit_code == 0 and "the run puts up the built-in shop" in shown.output
    assert "2,100 fans play" in shown.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TARGET.replace("role: pay", "role: payy"), "corner.yaml:10"),
        (TARGET.replace("links:", "linkz:"), "corner.yaml:4"),
        (TARGET.replace("get: /orders", 'get: /orders, rows: "]["'), "corner.yaml:20: evidence.orders.http.rows"),
        ("a: 1\n", "neither a profile"),
    ],
)
def test_a_file_that_cannot_be_meant(desk: Desk, text: str, said: str) -> None:
    """One line with file and line number, before anything is asked."""
    (desk.folder / "corner.yaml").write_text(text)
    with pytest.raises(UsageError, match=said):
        run("corner.yaml")
    with pytest.raises(UsageError, match="retry profile"):
        run("patient")


def test_a_name_that_would_turn_the_terminal(desk: Desk) -> None:
    """Whatever a file calls itself is shown, never obeyed."""
    shown = run(str(desk.write_target(TARGET.replace("name: corner-shop", 'name: "a\\e[2Jb"'))))
    assert "\x1b" not in shown.output and "a\\x1b[2Jb: " in shown.output


PEOPLE = """\
fans_from: {csv: people.csv, link: [email]}
"""


@pytest.mark.parametrize(
    ("rows", "code", "said"),
    [
        ("email\na@x.org\nb@x.org\n", 12, "2,100 fans come, and the file has 2 rows"),
        ("email\na@x.org\na@x.org\n", 12, "the email of line 2 again"),
        ("mail\na@x.org\n", 12, 'there is no column "email"'),
        ("email\n" + "".join(f"{n}@x.org\n" for n in range(2100)), 0, "2,100 fans, 2,100 rows"),
    ],
    ids=["too few", "twice", "another column", "enough"],
)
def test_the_people_of_a_profile(desk: Desk, rows: str, code: int, said: str) -> None:
    """Too few, twice the same, a column that is not there: to be put right, and the rest is looked at all the same."""
    path = desk.folder / "targets/shop.yaml"
    path.write_text(path.read_text().replace(":-http://127.0.0.1:8000", "") + PEOPLE)
    (desk.folder / "targets/people.csv").write_text(rows)
    shown = run("drop.yaml")
    assert shown.exit_code == code and said in shown.output, shown.output
    assert "2,100 fans play" in shown.output and "@x.org" not in shown.output


def test_as_json(desk: Desk) -> None:
    """One document, alone on stdout."""
    told = msgspec.json.decode(run("--json", str(desk.write_target(TARGET))).stdout, type=Examination)
    assert (told.schema, told.target, told.profile, told.exit_code) == (SCHEMA, "corner-shop", None, 2)
    assert {one.part for one in told.checkups} >= {"target", "variables", "machine"}


async def called(*words: str, cwd: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "surgectl", "doctor", *words),
        cwd=cwd,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


def sets(shop: CornerShop) -> list[str]:
    return [word for name, value in shop.variables().items() for word in ("--set", f"{name}={value}")]


@pytest.mark.real
async def test_a_whole_examination(tmp_path: Path) -> None:
    """Shop, link, purchase, books and clocks are in order: 0, one JSON document, and nothing on stderr."""
    async with proxy_serving("127.0.0.1:0", 7, False, SystemClock()) as url, opened(CornerShop()) as shop:
        path = shop.target(tmp_path)
        well = await called(str(path), "--buy", "--json", "--toxiproxy", url, *sets(shop), cwd=tmp_path)
        out, err = await well.communicate()
        assert await Toxiproxy(url).proxies() == {}
    told = msgspec.json.decode(out, type=Examination)
    assert (well.returncode, told.exit_code, err) == (0, 0, b""), [c for c in told.checkups if c.verdict == "fail"]
    assert {one.name for one in told.checkups} >= {"payments the shop's way", "orders of the fan", "probe about"}


@pytest.mark.real
async def test_a_signal_leaves_no_proxy_behind(tmp_path: Path) -> None:
    """Stopped while it asks through a proxy on somebody's Toxiproxy, it takes that proxy away."""
    async with proxy_serving("127.0.0.1:0", 7, False, SystemClock()) as url, opened(CornerShop()) as shop:
        asked = 0

        async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal asked
            await reader.readuntil(b"\r\n\r\n")
            asked += 1
            if asked <= 3:
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                writer.close()

        provider = await asyncio.start_server(slow, "127.0.0.1", 0)
        shop.provider = f"127.0.0.1:{provider.sockets[0].getsockname()[1]}"
        child = await called(str(shop.target(tmp_path)), "--toxiproxy", url, *sets(shop), cwd=tmp_path)
        async with asyncio.timeout(30):
            while asked < 4:
                await asyncio.sleep(0.02)
        assert len(await Toxiproxy(url).proxies()) == 1
        child.send_signal(signal.SIGTERM)
        out, err = await asyncio.wait_for(child.communicate(), 10)
        provider.close()
        assert (child.returncode, await Toxiproxy(url).proxies(), err) == (143, {}, b""), out
