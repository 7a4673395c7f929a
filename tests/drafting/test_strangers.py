"""Shops that `init` has never seen sell a ticket by the draft alone: first in Chromium, then to `check --try`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from surgectl.cli.main import app
from surgectl.drafting.har import read_har
from surgectl.drafting.purchase import draft_of
from surgectl.drafting.unpacked import opened
from surgectl.drafting.write import write
from tests.boxoffice.test_boxoffice_browser import street
from tests.chromium import chromium
from tests.drafting.recorder import by_script, recorded
from tests.rehearsal.plays import ask
from tests.strangers.street import free_port, ready_line, started, until_open

pytestmark = pytest.mark.real

TILL = ("-m", "surgectl", "stage", "payments", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0")
KIOSK = """
const held = await ask('/reserve', {email: 'ann@shop.example', qty: 2, sku: 'sku-2'});
const order = await ask('/checkout', {reservation: held.id});
await until('/orders/' + order.order, told => told.state == 'paid');
"""
GALLERY = """
const head = 'mutation($buyer: String!, $pieces: Int!)';
const place = head + ' { placeOrder(buyer: $buyer, pieces: $pieces) { code lifecycle } }';
await ask('/graphql', {query: place, variables: {buyer: 'ann@shop.example', pieces: 1}});
const look = 'query($buyer: String!) { order(buyer: $buyer) { code lifecycle } }';
for (let told; told != 'Settled'; await new Promise(later => setTimeout(later, 100)))
  told = (await ask('/graphql', {query: look, variables: {buyer: 'ann@shop.example'}})).data.order.lifecycle;
"""
CLUB = """
const grant = {grant_type: 'client_credentials', client_id: 'surgectl', client_secret: 'machine-hush'};
const bearer = {authorization: 'Bearer ' + (await ask('/oauth/token', new URLSearchParams(grant))).access_token};
const visit = (await ask('/visit', {email: 'ann@club.example', password: 'hush-ann-1'}, bearer)).visit;
await ask('/orders', {}, {...bearer, 'x-visit': visit});
"""
LINE = """
const place = await ask('/api/queue', {email: MAIL});
const turn = await new Promise(admitted => LISTEN);
const held = await ask('/api/holds', {sku: 'floor', qty: 2}, {'x-pass': turn.pass});
const sent = {hold: held.id, payment_token: 'pm_card_visa', email: MAIL};
const order = await ask('/api/orders', sent, {'idempotency-key': crypto.randomUUID()});
await until('/api/orders/' + order.order, told => told.state == 'confirmed');
"""
STREAM = """{
  const stream = new EventSource('/api/queue/' + place.id + '/events');
  const heard = event => {
    const told = JSON.parse(event.data);
    if (told.state == 'admitted') { stream.close(); admitted(told) }
  };
  for (const name of ['message', 'turn', 'place', 'queue', 'waiting', 'admitted']) stream.addEventListener(name, heard);
}"""
SOCKET = """{
  const socket = new WebSocket(location.origin.replace('http', 'ws') + '/api/line');
  socket.onopen = () => socket.send(JSON.stringify({place: place.id}));
  socket.onmessage = event => {
    const told = JSON.parse(event.data);
    if (told.state == 'admitted') { socket.close(); admitted(told) }
  };
}"""


def sells(har: Path, *sets: str) -> str:
    """The draft of a recording, which sold a ticket to one fan without an edit."""
    recording = opened(har)
    text = write(draft_of(read_har(recording.data, har.name, recording.attached), har.name))
    file = har.with_suffix(".yaml")
    file.write_text(text, "utf-8")
    words = [word for each in sets for word in ("--set", each)]
    done = CliRunner().invoke(app, ["check", str(file), "--try", *words])
    assert "ended confirmed (ok)" in done.output, f"{text}\n{done.output}"
    return text


@contextmanager
def strangers(place: Path) -> Iterator[dict[str, str]]:
    """The built-in shop and four that are none of ours, all at once → their addresses."""
    members = place / "members.csv"
    members.write_text("E-mail,password\nann@club.example,hush-ann-1\n")
    with ExitStack() as stack:
        at = {"street": stack.enter_context(street(place))["shop"]}
        till = stack.enter_context(started(*TILL, "--latency", "10ms", log=place / "till.log"))
        pay = ("--pay", ready_line(till)["url"])
        more = {"kiosk": pay, "gallery": (*pay, "--db", place / "db"), "club": ("--members", members), "operetta": pay}
        ports = {name: free_port() for name in more}
        for name, port in ports.items():
            shop = ("-m", f"tests.strangers.{name}", "--port", port, *more[name])
            stack.enter_context(started(*shop, log=place / f"{name}.log"))
        for name, port in ports.items():
            until_open(port)
            at[name] = f"http://127.0.0.1:{port}"
        yield at


def operetta(page: Any, url: str) -> None:
    """A person at the operetta house: the door, the seats, as many pages as it has, the payment."""
    page.goto(f"{url}/gig")
    door = json.loads(page.inner_text("body"))["check_url"]
    while not json.loads(page.inner_text("body"))["ready"]:
        page.wait_for_timeout(150)
        page.goto(url + door)
    page.goto(f"{url}/shop")
    page.fill("[name=email]", "ann@shop.example")
    page.fill("[name=seats]", "1")
    while True:
        with page.expect_navigation():
            page.evaluate("document.forms[0].submit()")
        asked = page.url.rstrip("/").rpartition("/")[2]
        if "thanks=yes" in page.url:
            return
        if asked != "review":
            page.fill(f"[name={asked}]", "Ann")


def record(at: dict[str, str], place: Path) -> None:
    """One purchase at each: by the shop's own script, and at the operetta house by its forms."""
    with chromium("no stranger's shop was recorded") as browser:
        for name, listen in (("stream", STREAM), ("socket", SOCKET)):
            script = LINE.replace("MAIL", f"'{name}@shop.example'").replace("LISTEN", listen)
            by_script(browser, at["street"], script, place / f"{name}.har")
        for name, script in (("kiosk", KIOSK), ("gallery", GALLERY), ("club", CLUB)):
            by_script(browser, f"{at[name]}/none", script, place / f"{name}.har")
        with recorded(browser, place / "operetta.zip", content="attach") as page:
            operetta(page, at["operetta"])


def test_strangers_sell_by_their_drafts(tmp_path: Path) -> None:
    """A waiting room that pushes (twice), a kiosk's API, a GraphQL gallery, a members' club, an operetta's forms.

    No draft needs an edit, and each shop's own books hold what the second fan bought.
    """
    with strangers(tmp_path) as at:
        record(at, tmp_path)
        for name in ("stream", "socket"):
            text = sells(tmp_path / f"{name}.har")
            assert "    await:\n" in text and "pass_" not in text
        orders = ask(f"{at['street']}/api/admin/orders")["rows"]
        assert [one["state"] for one in orders if one["email"].startswith("fan-try-")] == ["confirmed"] * 2

        sells(tmp_path / "kiosk.har")
        assert [one["state"] for one in ask(f"{at['kiosk']}/books/orders")["rows"]] == ["paid", "paid"]

        text = sells(tmp_path / "gallery.har")
        assert "{data.order.lifecycle: Settled}" in text
        with closing(sqlite3.connect(tmp_path / "db")) as books:
            assert books.execute("SELECT lifecycle FROM sale_order WHERE buyer LIKE 'fan-try-%'").fetchall() == [
                ("Settled",)
            ]

        known = ("SHOP_LOGIN_EMAIL=ann@club.example", "SHOP_PASSWORD=hush-ann-1", "SHOP_CLIENT_SECRET=machine-hush")
        text = sells(tmp_path / "club.har", *known)
        assert "hush" not in text and "ann@" not in text
        # An hour ago, in Chromium, by the draft.
        assert [one["email"] for one in ask(f"{at['club']}/books/orders")["rows"]] == ["ann@club.example"] * 3

        sells(tmp_path / "operetta.zip")
        assert ask(f"{at['operetta']}/staff/tickets")["count"] == 2
