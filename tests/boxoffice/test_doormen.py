"""Several processes that are one shop: whoever asks any of them is told the same, and nothing is sold twice."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from surgectl.stage.boxoffice.doormen.board import Board
from surgectl.stage.boxoffice.doormen.tube import Told, Tube
from tests.boxoffice.lives import Life
from tests.boxoffice.street import Money, Shop, books_in, damage, settled
from tests.toxiproxy_binary import free_port


def life_of(payments_url: str, data: Path, **more: Any) -> Life:
    """A shop of three processes."""
    options = {
        "payments_url": payments_url,
        **books_in(data),
        "listen": f"127.0.0.1:{free_port()}",
        "capacity": 40,
        "admission_per_s": 100.0,
        "shop_workers": 3,
        "reconcile_every": "100ms",
    }
    return Life("shop", options | more)


def street(url: str, http: aiohttp.ClientSession) -> Shop:
    return Shop(url, http)


def strangers() -> aiohttp.ClientSession:
    """Each request comes over a connection of its own, so the system gives it to any of the processes."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True))


def doormen_of(life: Life) -> list[int]:
    """The processes of this shop beside the one that was started."""
    assert life.process is not None
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = re.search(r"\) \w (\d+) ", (entry / "stat").read_text())
            except OSError:
                continue  # it has just ended
            if parent is not None and int(parent[1]) == life.process.pid:
                found.append(int(entry.name))
    return found


async def bought(shop: Shop, email: str) -> str:
    """A whole purchase, each question at any door → how it ended: the order's state, or the shop's no."""
    status, place, _ = await shop.ask("POST", "/api/queue", {"email": email})
    while status in (200, 202) and "pass" not in place:
        await asyncio.sleep(0.02)
        status, place, _ = await shop.ask("GET", f"/api/queue/{place['id']}")
    if "pass" not in place:
        return str(place["code"])
    status, hold = await shop.hold(place["pass"])
    if status != 201:
        return str(hold["code"])
    _, order = await shop.order(hold["id"], f"key-{email}", email=email)
    return str((await shop.ended(order["order"]))["state"])


async def gone(processes: Iterable[int]) -> None:
    async with asyncio.timeout(10):
        while any(Path(f"/proc/{process}").exists() for process in processes):
            await asyncio.sleep(0.02)


@pytest.mark.real
async def test_one_sale_at_three_doors(money: Money, tmp_path: Path) -> None:
    """Sixty buyers for forty seats, each question at another door: sold out to the last seat, and none twice."""
    life = life_of(money.url, tmp_path / "books")
    url = await life.begin()
    try:
        async with strangers() as http:
            shop = street(url, http)
            ends = await asyncio.gather(*(bought(shop, f"fan-{n}@example.org") for n in range(60)))
            await settled(shop)
            assert await damage(shop, money) == {}
            assert ends.count("confirmed") == 40
            assert {end for end in ends if end != "confirmed"} <= {"SOLD_OUT", "ALL_HELD"}
            assert (await shop.stock())["sold"] == 40
    finally:
        assert await life.end() == 0


@pytest.mark.real
async def test_the_line_moves_one_way_at_every_door(money: Money, tmp_path: Path) -> None:
    """Asked at all doors in turn, nobody is ever shown a position that is further back."""
    life = life_of(money.url, tmp_path / "books", capacity=3, admission_per_s=40.0)
    url = await life.begin()
    shown: dict[int, list[int]] = {}
    try:
        async with strangers() as http:
            shop = street(url, http)

            async def wait(fan: int) -> int:
                _, place, _ = await shop.ask("POST", "/api/queue", {"email": f"fan-{fan}@example.org"})
                while "pass" not in place:
                    shown.setdefault(fan, []).append(place["position"])
                    status, place, _ = await shop.ask(
                        "GET", f"/api/queue/{place['id']}", X_Surge_Attempt=f"{fan}-{len(shown[fan])}"
                    )
                    assert status == 200
                return fan

            await asyncio.gather(*(wait(fan) for fan in range(60)))
            assert len(shown) > 20
            assert all(positions == sorted(positions, reverse=True) for positions in shown.values())
            # Every door has written down what it was asked, and the shop pages through all of it.
            asked = [row["attempt"] for row in await shop.rows("requests")]
            assert sorted(asked) == sorted(f"{fan}-{n}" for fan, seen in shown.items() for n in range(1, len(seen) + 1))
    finally:
        assert await life.end() == 0


@pytest.mark.real
async def test_every_door_says_that_it_is_over(money: Money, tmp_path: Path) -> None:
    """After the last seat those in line are told at any door, and so is whoever reads the event page."""
    life = life_of(money.url, tmp_path / "books", capacity=2, admission_per_s=2.0)
    url = await life.begin()
    try:
        async with strangers() as http:
            shop = street(url, http)
            _, first, _ = await shop.ask("POST", "/api/queue", {"email": "first@example.org"})
            crowd = [f"crowd-{n}@example.org" for n in range(20)]
            told = await asyncio.gather(*(shop.ask("POST", "/api/queue", {"email": email}) for email in crowd))
            assert (await shop.buy("first@example.org", 2))["state"] == "confirmed"
            await shop.when(lambda stock: stock["sold"] == 2)
            async with asyncio.timeout(5):
                while not (await shop.ask("GET", "/api/events/floor"))[1]["sold_out"]:
                    await asyncio.sleep(0.02)
            for _ in range(3):
                for _, place, _ in told:
                    status, no, _ = await shop.ask("GET", f"/api/queue/{place['id']}")
                    assert (status, no["code"]) == (410, "SOLD_OUT")
                status, page, _ = await shop.ask("GET", "/api/events/floor")
                assert (page["sold_out"], page["availability"]) == (True, "sold-out")
            status, place, _ = await shop.ask("GET", f"/api/queue/{first['id']}")
            assert (status, place["state"]) == (200, "admitted"), "whoever bought still has their place"
            status, no, _ = await shop.ask("GET", "/api/queue/place_1_000000000000")
            assert (status, no["code"]) == (404, "NO_PLACE"), "a place that nobody signed is nobody's at any door"
    finally:
        assert await life.end() == 0


@pytest.mark.real
async def test_a_killed_shop_takes_its_doormen_along(money: Money, tmp_path: Path) -> None:
    """Nobody answers in its name afterwards, and it comes back at the same address with the same line."""
    life = life_of(money.url, tmp_path / "books", admission_per_s=0.01)
    url = await life.begin()
    try:
        async with strangers() as http:
            shop = street(url, http)
            places = [(await shop.ask("POST", "/api/queue", {"email": f"{n}@example.org"}))[1] for n in range(9)]
            doormen = doormen_of(life)
            assert len(doormen) == 2
            await life.kill()
            await gone(doormen)
            assert await life.begin() == url
            for place in places[1:]:
                for _ in range(3):
                    _, told, _ = await shop.ask("GET", f"/api/queue/{place['id']}")
                    assert told["position"] <= place["position"]
    finally:
        assert await life.end(signal.SIGTERM) == 0


@pytest.mark.real
async def test_a_shop_without_a_doorman_closes(money: Money, tmp_path: Path) -> None:
    """A door that nobody stands at is no shop that is a little slower: it ends, and says so by its exit code."""
    life = life_of(money.url, tmp_path / "books")
    await life.begin()
    doormen = doormen_of(life)
    os.kill(doormen[0], signal.SIGKILL)
    assert life.process is not None
    assert await asyncio.wait_for(life.process.wait(), 20) != 0
    await gone(doormen[1:])


@pytest.mark.real
@pytest.mark.parametrize("more", [{"order": "lottery", "prequeue": "1s"}, {"prequeue": "300ms"}, {"defect": "lifo"}])
async def test_a_line_of_another_kind_is_the_shop_s_alone(money: Money, tmp_path: Path, more: dict[str, Any]) -> None:
    """Before a draw, after a lottery, and where the line has an order of its own, each door says what the shop says."""
    life = life_of(money.url, tmp_path / "books", admission_per_s=0.5, **more)
    url = await life.begin()
    try:
        async with strangers() as http:
            shop = street(url, http)
            ids = [(await shop.ask("POST", "/api/queue", {"email": f"{n}@example.org"}))[1]["id"] for n in range(12)]
            async with asyncio.timeout(10):
                while any(t["position"] is None for t in [(await shop.ask("GET", f"/api/queue/{i}"))[1] for i in ids]):
                    await asyncio.sleep(0.05)
            # Asked again and again, the answers may fall as the line moves, and are never two places' at once.
            before: dict[str, int] = {}
            for _ in range(4):
                for place in ids:
                    _, told, _ = await shop.ask("GET", f"/api/queue/{place}")
                    assert told["position"] <= before.get(place, told["position"])
                    before[place] = told["position"]
            drawn = {row["place"]: row["drawn"] for row in await shop.rows("admissions")}
            assert sorted(drawn.values()) == list(range(1, 13))
            if more.get("order") == "lottery":
                shown = [told["position"] for told in [(await shop.ask("GET", f"/api/queue/{i}"))[1] for i in ids]]
                behind = [drawn[int(i.split("_")[1])] for i in ids]
                waiting = [(b, s) for b, s in zip(behind, shown, strict=True) if s]
                assert len({b - s for b, s in waiting}) == 1, "each number is as far from the head as it is shown"
    finally:
        assert await life.end() == 0


def test_what_is_said_through_the_tube_arrives_whole() -> None:
    """However the bytes are cut, each thing that was said is heard once, in order."""
    told = [Told(n, 200, [("Content-Type", "text/plain")], b"x" * n) for n in range(40)]
    sent = bytearray()

    class Wire:
        def is_closing(self) -> bool:
            return False

        def write(self, data: bytes) -> None:
            sent.extend(data)

    speaker: Tube[Told] = Tube(Told, lambda _: None, lambda: None)
    speaker.connection_made(Wire())  # type: ignore[arg-type]
    for one in told:
        speaker.say(one)
    for size in (1, 3, 7, 64, len(sent)):
        heard: list[Told] = []
        listener: Tube[Told] = Tube(Told, heard.append, lambda: None)
        for at in range(0, len(sent), size):
            listener.data_received(bytes(sent[at : at + size]))
        assert heard == told


def test_two_who_look_at_one_board_see_the_same() -> None:
    ours, file = Board.made()
    theirs = Board(file)
    assert theirs.numbered_after > 10**18, "nobody's number is known before the shop has said so"
    ours.show(head=7, waiting=3, numbered_after=2, over=True)
    assert (theirs.head, theirs.waiting, theirs.numbered_after, theirs.over) == (7, 3, 2, True)
    theirs.close()
    ours.close()
    os.close(file)
