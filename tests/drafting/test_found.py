"""What a draft must see by itself: who logs in and how, which key is whose, what was pushed, what failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from surgectl.profile.step import Step
from surgectl.profile.target import Target
from tests.drafting.recorded import SHOP, drafted, entry, target_of

PAY = "http://127.0.0.1:8000/pay"
KEYS = ("5f2c8c1e-9a30-4e0c-b1de-3a5f2b9c7d10", "0b7d8c1e-9a30-4e0c-b1de-3a5f2b9c7d11")
PAID = entry("POST", "/orders", 201, sent={"email": "a@b.example"}, reply={"order": "ord_771a", "state": "paid"})


def drawn(folder: Path, *entries: Any, **variables: str) -> tuple[str, Target, dict[str, Step]]:
    text = drafted(*entries)
    target = target_of(text, folder, **variables)
    return text, target, {step.step: step for step in target.journey}


def pushed(path: str, *messages: dict[str, Any], kind: str = "websocket", **more: Any) -> dict[str, Any]:
    one = entry("GET", path, 101 if kind == "websocket" else 200, kind=kind, **more)
    one["response"]["content"] = {"mimeType": "text/event-stream" if kind == "eventsource" else "x-unknown"}
    if messages:
        one["_webSocketMessages" if kind == "websocket" else "_eventSourceMessages"] = list(messages)
    return one


JOIN = entry("POST", "/api/queue", 202, sent={"email": "a@b.example"}, reply={"id": "place_1_aa", "state": "waiting"})
HOLD = entry("POST", "/api/holds", 201, sent={"qty": 1}, headers={"X-Pass": "pass_9f8e7d"}, reply={"id": "hold_1_cc"})
TURN = '{"state": "admitted", "pass": "pass_9f8e7d"}'


@pytest.mark.parametrize("recorder", ["devtools", "stream", "nothing"])
def test_an_event_stream_becomes_a_wait(recorder: str, tmp_path: Path) -> None:
    """Whether the recorder kept the messages, the stream's text, or nothing at all of it."""
    path = "/api/queue/place_1_aa/events"
    stream = pushed(path, kind="eventsource")
    if recorder == "devtools":
        told = [{"time": 1.5, "eventName": "place", "eventId": "1", "data": '{"state": "waiting"}'}]
        stream = pushed(path, *told, {"time": 2.5, "eventName": "turn", "data": TURN}, kind="eventsource")
    if recorder == "stream":
        text = (
            f': hello\r\n\r\nevent: place\r\ndata: {{"state": "waiting"}}\r\n\r\nevent: turn\ndata: {TURN}\n\ndata: cut'
        )
        stream["response"]["content"]["text"] = text
    text, _, steps = drawn(tmp_path, JOIN, stream, HOLD, PAID)
    wait = steps["join"].await_
    assert wait is not None and wait.sse == "/api/queue/{queue}/events" and wait.take["pass"].json == "pass"
    rule = wait.outcomes[0]
    seen = (rule.when.event, rule.when.json)  # type: ignore[union-attr]
    assert seen == ((None, {"pass": {"exists": True}}) if recorder == "nothing" else ("turn", {"state": "admitted"}))
    assert rule.then == "next" and steps["hold"].headers["X-Pass"] == "{pass}" and "pass_9f8e7d" not in text
    assert ("not in this recording" in text) is (recorder == "nothing")


@pytest.mark.parametrize("unit", [1, 1000])
def test_a_socket_is_listened_to_once_its_place_is_known(unit: int, tmp_path: Path) -> None:
    """It stood open before the fan joined; what the page then said into it is `send`."""
    said = {"type": "send", "time": 1795448270 * unit, "opcode": 1, "data": '{"watch": "place_1_aa"}'}
    heard = [{"type": "receive", "time": 0, "opcode": 1, "data": text} for text in ('{"state": "waiting"}', TURN)]
    noise = {"type": "receive", "time": 0, "opcode": 2, "data": "AAEC"}
    socket = pushed("ws://127.0.0.1:8000/api/line", said, noise, *heard)
    times = ["2026-11-23T15:37:40Z", "2026-11-23T15:37:30Z", "2026-11-23T15:37:55Z", "2026-11-23T15:37:56Z"]
    rows = [{**one, "startedDateTime": when} for one, when in zip((JOIN, socket, HOLD, PAID), times, strict=True)]
    _, _, steps = drawn(tmp_path, *rows)
    wait = steps["join"].await_
    assert wait is not None and (wait.ws, wait.send) == ("/api/line", {"watch": "{watch}"})
    assert steps["join"].take["watch"].json == "id"
    assert wait.outcomes[0].when.json == {"state": "admitted"}  # type: ignore[union-attr]


def test_what_is_pushed_to_no_purpose_is_left_out(tmp_path: Path) -> None:
    """A ticker beside the purchase, and somebody else's socket."""
    ticker = pushed("ws://127.0.0.1:8000/ticker", {"type": "receive", "opcode": 1, "data": '{"left": 3}'})
    chat = pushed("wss://chat.help.example/socket", {"type": "receive", "opcode": 1, "data": '{"state": "hello"}'})
    text, target, _ = drawn(tmp_path, entry("GET", "/", reply="<h1>Event</h1>"), ticker, chat, PAID)
    assert all(step.await_ is None for step in target.journey)
    assert "pushed and nothing waited for" in text and "third parties: chat.help.example" in text


def test_an_order_that_is_confirmed_by_a_push_ends_there(tmp_path: Path) -> None:
    """The payment's step waits, and the message's own word is the end."""
    order = entry("POST", "/api/orders", 202, sent={"qty": 1}, reply={"order": "ord_1_ab", "state": "pending"})
    told = ({"eventName": "message", "data": f'{{"state": "{state}"}}'} for state in ("pending", "paid"))
    stream = pushed("/api/orders/ord_1_ab/events", *told, kind="eventsource")
    _, target, steps = drawn(tmp_path, order, stream)
    wait = steps["pay"].await_
    assert wait is not None and wait.outcomes[0].end == "confirmed" and len(target.journey) == 1
    assert wait.outcomes[0].when.json == {"state": "paid"}  # type: ignore[union-attr]


def test_two_wishes_have_two_keys(tmp_path: Path) -> None:
    """The payment's idempotency key is `key`, another request's another; the same one again is the same."""
    hold, again = ({**HOLD, "request": {**HOLD["request"]}} for _ in range(2))
    for one in (hold, again):
        one["request"]["headers"] = [{"name": "Idempotency-Key", "value": KEYS[0]}]
    again["request"] = {**again["request"], "url": f"{SHOP}/api/holds/more"}
    pay = entry("POST", "/pay", sent={"total": 2}, headers={"Idempotency-Key": KEYS[1]}, reply={"state": "paid"})
    _, target, steps = drawn(tmp_path, hold, again, pay)
    used = [step.headers["Idempotency-Key"] for step in target.journey]
    assert used == ["{wish_key}", "{wish_key}", "{key}"] and set(target.mint) >= {"key", "wish_key"}
    assert steps["pay"].role == "pay"


def test_a_machines_token_is_a_login(tmp_path: Path) -> None:
    """OAuth's client credentials become `logins:`, whose secret is the environment's and whose token all headers."""
    grant = {"grant_type": "client_credentials", "client_id": "web", "client_secret": "hush-hush-17"}
    token = {"access_token": "tok.a1b2c3d4e5", "expires_in": 60}
    bearer = {"Authorization": "Bearer tok.a1b2c3d4e5"}
    pay = entry("POST", "/orders", 201, sent={"email": "a@b.example"}, headers=bearer, reply={"state": "paid"})
    text, target, _ = drawn(
        tmp_path, entry("POST", "/oauth/token", form=grant, reply=token), pay, SHOP_CLIENT_SECRET="s"
    )
    login = target.logins["api"]
    assert login.steps[0].form == {"grant_type": "client_credentials", "client_id": "web", "client_secret": "s"}
    assert login.expires is not None and login.expires.json == "expires_in"
    assert target.journey[0].headers["Authorization"] == "Bearer {api.token}" and len(target.journey) == 1
    assert "hush-hush" not in text and "tok.a1b2" not in text


@pytest.mark.parametrize(("path", "known"), [("/account/login", True), ("/visit", True), ("/register", False)])
def test_who_has_an_account_is_no_new_fan(path: str, known: bool, tmp_path: Path) -> None:
    """A login's name and password are the environment's; whoever registers is somebody new, and stays so."""
    sent = {"email": "ann@b.example", "password": "hush-hush"}
    seen = {"SHOP_LOGIN_EMAIL": "e", "SHOP_PASSWORD": "p"}
    text, target, _ = drawn(tmp_path, entry("POST", path, sent=sent, reply={"token": "tk-99-aa77bb"}), PAID, **seen)
    assert target.journey[0].json == {"email": "e" if known else "{email}", "password": "p"}
    assert ("all fans log in as one customer" in text) is known and "ann@" not in text


@pytest.mark.parametrize("export", ["set", "held", "sanitized", "encoded"])
def test_a_cookie_that_a_header_repeats(export: str, tmp_path: Path) -> None:
    """Double submit: the reply set the cookie, the browser had it before, or the export left all cookies out."""
    value = "eyJpdiI6IkpGd2xYQzUzN1" + ("%3D" if export == "encoded" else "")
    head = {"X-XSRF-TOKEN": value.replace("%3D", "=")} | (
        {} if export == "sanitized" else {"Cookie": f"XSRF-TOKEN={value}"}
    )
    said = {"Set-Cookie": f"XSRF-TOKEN={value}; Path=/"} if export in ("set", "encoded") else {}
    page = entry("GET", "/gig", reply="<h1>Gig</h1>", said=said)
    pay = entry("POST", "/orders", sent={"qty": 1}, headers=head, reply={"state": "paid"})
    text, target, steps = drawn(tmp_path, page, pay)
    ((name, take),) = steps["gig"].take.items()
    assert take.cookie == "XSRF-TOKEN" and steps["pay"].headers["X-Xsrf-Token"] == "{" + name + "}"
    assert take.regex == ("([^%]+)" if export == "encoded" else None)
    assert ("had it already" in text, "exported without its cookies" in text) == (
        export == "held",
        export == "sanitized",
    )


def graphql(operation: str, reply: Any, **variables: Any) -> dict[str, Any]:
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": "ab12" * 16}}
    sent = {"operationName": operation, "variables": variables, "extensions": persisted}
    return entry("POST", "/graphql", sent=sent, reply={"data": reply})


def test_persisted_queries_are_told_apart_by_name(tmp_path: Path) -> None:
    """One URL, no query text: which changes something, which looks, and which look is the waiting."""
    rows = [
        graphql("GetEvent", {"event": {"id": "ev_77a1"}}),
        graphql("AddTickets", {"add": {"cart": "cart_12ab34"}}, event="ev_77a1", quantity=2),
        graphql("PlaceOrder", {"place": {"code": "GX-0001", "lifecycle": "Arranging"}}, cart="cart_12ab34"),
        graphql("OrderQuery", {"order": {"code": "GX-0001", "lifecycle": "Arranging"}}, code="GX-0001"),
        graphql("OrderQuery", {"order": {"code": "GX-0001", "lifecycle": "Settled"}}, code="GX-0001"),
    ]
    _, target, steps = drawn(tmp_path, *rows)
    assert [(step.step, step.role) for step in target.journey] == [
        ("get-event", "browse"), ("hold", "hold"), ("pay", "pay"),
    ]  # fmt: skip
    poll = steps["pay"].poll
    assert poll is not None and poll.json["variables"] == {"code": "{place}"}
    assert poll.outcomes[0].when.json == {"data.order.lifecycle": "Settled"}  # type: ignore[union-attr]
    assert steps["hold"].json["variables"]["quantity"] == "{qty}"
    assert steps["hold"].json["extensions"]["persistedQuery"]["sha256Hash"] == "ab12" * 16


def test_questions_asked_in_turns_are_each_a_poll(tmp_path: Path) -> None:
    """A page that asks for its order and for the stock again and again waits for the order."""
    order = entry("POST", "/orders", 202, sent={"email": "a@b.example"}, reply={"order": "ord_771a"})
    asks = [
        entry("GET", path, reply=reply)
        for state, left in (("pending", 9), ("pending", 9), ("paid", 9))
        for path, reply in (("/stock", {"left": left}), ("/orders/ord_771a", {"state": state}))
    ]
    _, _, steps = drawn(tmp_path, order, *asks)
    polls = [step.poll for step in steps.values() if step.poll is not None]
    assert [poll.get for poll in polls] == ["/orders/{order}"] and polls[0].outcomes[0].end == "confirmed"


def test_seats_are_chosen_from_what_the_shop_shows(tmp_path: Path) -> None:
    """As many as the fan wants, by chance, out of the list; one of a list of things by its id."""
    free = entry(
        "GET", "/seats", reply={"free": [f"A{n}" for n in range(1, 9)], "rows": [{"id": f"r{n}"} for n in range(5)]}
    )
    hold = entry("POST", "/holds", 201, sent={"seats": ["A3", "A4"], "row": "r2"}, reply={"id": "hold_77aa"})
    text, _, steps = drawn(tmp_path, free, hold, PAID)
    assert steps["hold"].json == {"seats": "{seats}", "row": "{row[0].id}"}
    take = steps["seats"].take
    assert (take["seats"].json, take["seats"].pick, take["seats"].else_) == ("free", "{qty}", "sold-out")
    assert (take["row"].json, take["row"].pick) == ("rows", 1) and "are all of them free?" in text


def test_a_form_with_parts_stays_one(tmp_path: Path) -> None:
    """multipart/form-data goes as it was sent, with the fan's own values; headers before it do no harm."""
    body = '--xX\r\nContent-Disposition: form-data; name="mail"\r\n\r\nann@b.example\r\n'
    body += '--xX\r\nContent-Disposition: form-data; name="pic"; filename="a.png"\r\n\r\nPNG\r\n--xX--\r\n'
    buy = entry("POST", "/buy", reply={"state": "paid"})
    buy["request"]["postData"] = {
        "mimeType": "multipart/form-data; boundary=xX",
        "text": f"Content-Length: 9\r\n\r\n{body}",
    }
    _, _, steps = drawn(tmp_path, buy)
    sent = steps["pay"].body or ""
    boundary = steps["pay"].headers["Content-Type"].partition("boundary=")[2]
    assert sent == (
        f'--{boundary}\r\nContent-Disposition: form-data; name="mail"\r\n\r\n{{email}}\r\n--{boundary}--\r\n'
    )


def test_json_inside_a_field_is_filled_too(tmp_path: Path) -> None:
    """A basket in a form field, variables in a URL; an address of the shop's own moves with the shop."""
    made = entry("POST", "/carts", 201, sent={}, reply={"id": "cart_12ab34"})
    look = entry("GET", '/view?variables={"cart":"cart_12ab34"}', reply={"total": 3})
    pay = entry(
        "POST", "/pay", form={"order": '{"cart":"cart_12ab34","mail":"a@b.example"}', "back": f"{SHOP}/done?x=1"},
        reply={"state": "paid"},
    )  # fmt: skip
    text, _, steps = drawn(tmp_path, made, look, pay, SHOP_URL="http://127.0.0.1:9")
    assert steps["view"].query == {"variables": '{"cart":"{cart}"}'}
    form = steps["pay"].form or {}
    assert "{email}" in form["order"] and "cart_12ab34" not in text and form["back"] == "http://127.0.0.1:9/done?x=1"


def test_a_provider_that_gets_the_shops_secret_takes_part(tmp_path: Path) -> None:
    """The page confirms the payment at the provider's; a watcher that hears of the order does not take part."""
    intent = {"id": "pi_3Nab77Zz", "client_secret": "pi_3Nab77Zz_secret_9a8b7c"}
    rows = [
        entry("GET", "/", reply="<h1>Event</h1>"),
        entry("POST", "/payments", 201, sent={"email": "a@b.example"}, reply=intent),
        entry(
            "POST", "https://api.pay.example/v1/payment_intents/pi_3Nab77Zz/confirm",
            form={"client_secret": intent["client_secret"]}, reply={"id": "pi_3Nab77Zz", "status": "processing"},
        ),
        entry("POST", "https://t.hotjar.example/order", sent={"order": "pi_3Nab77Zz"}, reply={}),
        entry("POST", "/complete", sent={"intent": "pi_3Nab77Zz"}, reply={"status": "confirmed"}),
    ]  # fmt: skip
    text, target, _ = drawn(tmp_path, *rows, SHOP_CLIENT_SECRET="x")
    assert target.origins == {"pay": "https://api.pay.example"} and "hotjar.example" in text
    assert [step.origin for step in target.journey] == [None, None, "pay", None]
    assert "_secret_9a8b7c" not in text


def test_an_api_beside_its_pages_is_the_shop(tmp_path: Path) -> None:
    """Pages at www., the purchase at api., forty reports to a watcher: the purchase is found, and whose it is."""
    watch = [entry("POST", "https://in.watch.example/v2/e", sent={"n": n}, reply={}) for n in range(40)]
    rows = [
        entry("GET", "https://www.shop.example/gig", reply="<h1>Gig</h1>"),
        *watch,
        entry("POST", "https://api.shop.example/carts", 201, sent={"qty": 1}, reply={"id": "cart_12ab34"}),
        entry("POST", "https://api.shop.example/carts/cart_12ab34/checkout", sent={}, reply={"state": "paid"}),
    ]
    _, target, _ = drawn(tmp_path, *rows)
    assert target.base_url == "https://api.shop.example"
    assert target.journey[-1].post == "/carts/{cart}/checkout" and len(target.journey) == 3


def test_a_purchase_that_was_refused_is_said_first() -> None:
    """The order got a 400: what is left may be no purchase at all."""
    no = entry("POST", "/orders", 400, sent={"email": "a@b.example"}, reply={"code": "BAD"})
    text = drafted(entry("POST", "/holds", 201, sent={"qty": 1}, reply={"id": "hold_1_cc"}), no)
    assert "#   1. POST /orders was refused (400) in this recording: was anything bought?" in text


def test_a_reply_without_a_word_of_success_is_known_by_what_it_made(tmp_path: Path) -> None:
    """GraphQL's 200 for everything: an order's own number must be there, and no errors."""
    place = {"query": "mutation($n: Int) { placeOrder(n: $n) { code total } }", "variables": {"n": 1}}
    _, _, steps = drawn(
        tmp_path, entry("POST", "/g", sent=place, reply={"data": {"placeOrder": {"code": "GX-1", "total": 5}}})
    )
    rule = (steps["pay"].outcomes or [])[0]
    assert rule.when.json == {"errors": None, "data.placeOrder.code": {"exists": True}}  # type: ignore[union-attr]
    assert rule.end == "confirmed"


def test_an_order_with_a_short_number_is_each_fans_own(tmp_path: Path) -> None:
    """K2 in an address is the answer's own: a fan who asked for another's order would be told "paid"."""
    order = entry("POST", "/orders", 202, sent={"qty": 2}, reply={"order": "K2", "qty": 2, "state": "pending"})
    looks = [entry("GET", "/orders/K2", reply={"order": "K2", "state": state}) for state in ("pending", "paid")]
    _, target, steps = drawn(tmp_path, order, *looks)
    poll = steps["pay"].poll
    assert poll is not None and poll.get == "/orders/{order}" and steps["pay"].take["order"].json == "order"
    assert target.flows["status"][0].get == "/orders/{order}"


def test_an_address_that_is_the_same_for_every_fan_is_doubted() -> None:
    """Nobody gave the number in it: it is the one that was recorded."""
    order = entry("POST", "/orders", 202, sent={"qty": 2}, reply={"state": "pending"})
    looks = [entry("GET", "/status/7", reply={"state": state}) for state in ("pending", "paid")]
    assert "every fan asks at this one address" in drafted(order, *looks)
