"""Webhooks: signed, at least once, never in the way of a payment, and remembered over a restart."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from surgectl.stage.payments.server import Options, running
from tests.payments.receiver import Letter, Receiver, receiving
from tests.payments.shop import AUTH, Open, Shop

QUICK = {"webhook_backoff_ns": 20_000_000, "webhook_timeout_ns": 200_000_000}


async def listen(shop: Shop, url: str, *types: str) -> dict[str, Any]:
    """An endpoint at `url` for these types, or for all."""
    form = {"url": url} | {f"enabled_events[{at}]": type_ for at, type_ in enumerate(types or ("*",))}
    made = await shop.post("/v1/webhook_endpoints", form)
    assert made.status == 200, made.body
    return made.body


async def delete(shop: Shop, path: str) -> tuple[int, Any]:
    async with shop.session.delete(shop.url + path, headers=AUTH) as reply:
        return reply.status, await reply.json()


def signed_with(letter: Letter, secret: str) -> bool:
    at, given = (part.split("=", 1)[1] for part in letter.signature.split(","))
    wanted = hmac.new(secret.encode(), at.encode() + b"." + letter.body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted, given) and abs(time.time() - int(at)) < 60


async def states(shop: Shop) -> list[str]:
    return [row["state"] for row in await shop.rows("webhooks")]


async def settled(shop: Shop) -> None:
    async def met() -> bool:
        return "waiting" not in await states(shop)

    await shop.until(met)


async def test_an_event_arrives_signed(shop: Shop) -> None:
    """A payment is told to who wants to hear of it, signed with the secret that was shown once."""
    async with receiving() as receiver:
        endpoint = await listen(shop, receiver.url, "payment_intent.succeeded")
        assert endpoint["secret"].startswith("whsec_")
        paid = await shop.pay("k", **{"metadata[order]": "o1"})
        await settled(shop)
        (letter,) = receiver.letters
        event = letter.event
        assert signed_with(letter, endpoint["secret"])
        assert not signed_with(letter, "whsec_other")
        assert (event["type"], event["object"], event["pending_webhooks"]) == ("payment_intent.succeeded", "event", 1)
        assert event["data"]["object"] == paid.body
        assert event["request"] == {"id": paid.headers["Request-Id"], "idempotency_key": "k"}
        told = (await shop.get(f"/v1/events/{event['id']}")).body
        assert told == {**event, "pending_webhooks": 0}
        (row,) = await shop.rows("webhooks")
        assert (row["event"], row["endpoint"], row["tries"], row["last_status"], row["state"]) == (
            event["id"],
            endpoint["id"],
            1,
            200,
            "delivered",
        )


async def test_endpoints_are_listed_changed_and_deleted(shop: Shop) -> None:
    """An endpoint shows its secret only when it is made, may be moved or stilled, and hears nothing once deleted."""
    async with receiving() as receiver:
        made = await listen(shop, "http://127.0.0.1:9/nobody", "charge.succeeded")
        path = f"/v1/webhook_endpoints/{made['id']}"
        seen = (await shop.get(path)).body
        assert seen == {name: value for name, value in made.items() if name != "secret"}
        assert (await shop.get("/v1/webhook_endpoints")).body["data"] == [seen]
        moved = (await shop.post(path, {"url": receiver.url, "enabled_events[]": "*"})).body
        assert (moved["url"], moved["enabled_events"]) == (receiver.url, ["*"])
        assert (await shop.post(path, {"disabled": "true"})).body["status"] == "disabled"
        await shop.pay()
        assert await states(shop) == []
        await shop.post(path, {"disabled": "false"})
        await shop.pay()
        await settled(shop)
        assert sorted(receiver.types()) == ["charge.succeeded", "payment_intent.created", "payment_intent.succeeded"]
        assert await delete(shop, path) == (200, {"id": made["id"], "object": "webhook_endpoint", "deleted": True})
        assert (await delete(shop, path))[0] == 404
        await shop.pay()
        assert len(await states(shop)) == 3


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"enabled_events[]": "*"}, "url"),
        ({"url": "http://127.0.0.1:1/"}, "enabled_events"),
        ({"url": "nowhere", "enabled_events[]": "*"}, "url"),
        ({"url": "ftp://127.0.0.1/x", "enabled_events[]": "*"}, "url"),
        ({"url": "http://127.0.0.1:port/", "enabled_events[]": "*"}, "url"),
    ],
)
async def test_endpoints_that_cannot_be_meant(shop: Shop, form: dict[str, str], param: str) -> None:
    """An endpoint without a sound address or without events is refused by name."""
    refused = await shop.post("/v1/webhook_endpoints", form)
    assert (refused.status, refused.error["param"]) == (400, param)


async def test_what_is_refused_comes_again(open_shop: Open) -> None:
    """A letter that is answered 500, redirected or not at all is sent again until somebody takes it, signed anew."""
    shop = await open_shop(**QUICK)
    async with receiving() as receiver:
        endpoint = await listen(shop, receiver.url, "charge.succeeded")
        receiver.answers = [500, 302, 404]
        await shop.pay()
        await settled(shop)
        assert [letter.event["id"] for letter in receiver.letters] == [receiver.letters[0].event["id"]] * 4
        assert all(signed_with(letter, endpoint["secret"]) for letter in receiver.letters)
        (row,) = await shop.rows("webhooks")
        assert (row["state"], row["tries"], row["last_status"]) == ("delivered", 4, 200)


async def test_given_up_in_the_end(open_shop: Open) -> None:
    """Retries end with their time; the log says why, and other endpoints are not concerned."""
    shop = await open_shop(**QUICK, webhook_retry_for_ns=600_000_000)
    async with receiving() as deaf, receiving() as receiver:
        deaf.silent = True
        await listen(shop, deaf.url, "charge.succeeded")
        await listen(shop, "http://127.0.0.1:9/nobody", "charge.succeeded")
        await listen(shop, receiver.url, "charge.succeeded")
        await shop.pay()
        await settled(shop)
        timed_out, refused, taken = await shop.rows("webhooks")
        assert (timed_out["state"], timed_out["last_status"], timed_out["last_error"]) == (
            "given-up",
            None,
            "timed out",
        )
        assert (refused["state"], refused["last_status"]) == ("given-up", None)
        assert "ConnectorError" in refused["last_error"]
        assert refused["tries"] > 1
        assert (taken["state"], taken["tries"]) == ("delivered", 1)


async def test_a_deaf_endpoint_slows_nobody(open_shop: Open) -> None:
    """Beside an endpoint that never answers payments go on as before, and only a few letters are on their way."""
    shop = await open_shop(webhook_workers=3, webhook_timeout_ns=30_000_000_000)
    async with receiving() as receiver:
        receiver.silent = True
        await listen(shop, receiver.url)
        before_s = time.perf_counter()
        replies = await asyncio.gather(*(shop.pay() for _ in range(100)))
        took_s = time.perf_counter() - before_s
        assert {reply.status for reply in replies} == {200}
        assert took_s < 5, "a payment must never wait for a webhook's time-out of 30 s"
        assert receiver.most_at_once <= 3
        assert (await states(shop)).count("waiting") == 300


async def heard(shop: Shop, receiver: Receiver, fault: dict[str, Any], payments: int = 6) -> list[str]:
    await listen(shop, receiver.url, "charge.succeeded")
    await shop.faults({"at": "webhook", **fault})
    for _ in range(payments):
        await shop.pay()
    await settled(shop)
    return [letter.event["id"] for letter in receiver.letters]


async def test_faults_of_the_post(open_shop: Open) -> None:
    """Letters come late, twice, out of order or not at all, as the seed has it, and the log knows."""
    options = {"seed": 5, "webhook_workers": 1, **QUICK}
    async with receiving() as receiver:
        ids = await heard(await open_shop(**options), receiver, {"do": "duplicate", "nth": 2, "copies": 2})
        assert sorted(ids.count(id_) for id_ in set(ids)) == [1, 1, 1, 3, 3, 3]
    async with receiving() as receiver:
        ids = await heard(await open_shop(**options), receiver, {"do": "shuffle", "ratio": 1.0, "delay": "400ms"})
        assert len(ids) == 6
        assert ids != sorted(ids)
    async with receiving() as receiver:
        shop = await open_shop(**options)
        ids = await heard(shop, receiver, {"do": "drop", "nth": 3})
        assert len(ids) == 4
        assert (await states(shop)).count("dropped") == 2
    async with receiving() as receiver:
        shop = await open_shop(**options)
        before_s = time.perf_counter()
        await heard(shop, receiver, {"do": "delay", "nth": 1, "delay": "150ms", "event": "charge."}, 1)
        assert time.perf_counter() - before_s >= 0.15


async def test_a_bad_signature_is_refused_and_heals(open_shop: Open) -> None:
    """A letter with a wrong signature, refused by a careful shop, comes again with the right one."""
    shop = await open_shop(**QUICK)
    async with receiving() as receiver:
        endpoint = await listen(shop, receiver.url, "charge.succeeded")
        await shop.faults({"at": "webhook", "do": "bad-signature", "ratio": 1.0, "at_most": 1})
        receiver.answers = [400]
        await shop.pay()
        await settled(shop)
        assert [signed_with(letter, endpoint["secret"]) for letter in receiver.letters] == [False, True]


async def test_a_restart_owes_what_it_owed(open_shop: Open, tmp_path: Path) -> None:
    """Endpoints, their secrets, what was told and what was not: all there again after a restart."""
    async with receiving() as receiver:
        async with (
            running(Options(data=tmp_path, webhook_backoff_ns=10_000_000_000)) as open_,
            aiohttp.ClientSession() as session,
        ):
            first = Shop(session, open_.url, open_.control)
            endpoint = await listen(first, receiver.url, "charge.succeeded")
            gone = await listen(first, receiver.url, "charge.failed")
            await first.pay()
            await settled(first)
            await delete(first, f"/v1/webhook_endpoints/{gone['id']}")
            path = f"/v1/webhook_endpoints/{endpoint['id']}"
            await first.post(path, {"url": "http://127.0.0.1:9/nobody"})
            await first.pay()
            await first.post(path, {"url": receiver.url, "enabled_events[]": "*"})
            before = await first.rows("webhooks")
        shop = await open_shop(data=tmp_path)
        await settled(shop)
        listed = (await shop.get("/v1/webhook_endpoints")).body["data"]
        assert [(row["id"], row["url"], row["enabled_events"]) for row in listed] == [
            (endpoint["id"], receiver.url, ["*"])
        ]
        after = await shop.rows("webhooks")
        assert [row["event"] for row in after] == [row["event"] for row in before]
        assert [row["state"] for row in before] == ["delivered", "waiting"]
        assert [row["state"] for row in after] == ["delivered", "delivered"]
        assert [letter.event["id"] for letter in receiver.letters] == [row["event"] for row in after]
        assert all(signed_with(letter, endpoint["secret"]) for letter in receiver.letters)
        assert (await listen(shop, receiver.url))["id"] not in (endpoint["id"], gone["id"])


async def test_each_delivery_is_logged(open_shop: Open) -> None:
    """The log of deliveries has a line for each sending: what it was about, in which place, and what the shop said."""
    shop = await open_shop(**QUICK)
    async with receiving() as receiver:
        endpoint = await listen(shop, receiver.url, "payment_intent.succeeded")
        receiver.answers = [500]
        paid = await shop.pay("k", **{"metadata[order]": "o1"})
        await settled(shop)
        first, second = await shop.rows("deliveries")
    assert (first["status"], first["error"], first["delivery"]) == (500, "HTTP 500", 1)
    assert (second["status"], second["error"], second["delivery"]) == (200, None, 2)
    assert first["event"] == second["event"] == receiver.letters[0].event["id"]
    assert (first["type"], first["payment"], first["metadata"]) == (
        "payment_intent.succeeded",
        paid.body["id"],
        {"order": "o1"},
    )
    assert (first["number"], first["endpoint"], first["signature"]) == (3, endpoint["id"], "good")


async def test_repeats_disorder_and_forgeries_are_settings(open_shop: Open) -> None:
    """Events come twice and in no order where the provider is set so; who forges one has neither secret nor payment."""
    shop = await open_shop(
        seed=5, webhook_repeats=0.5, webhook_shuffle_ns=300_000_000, webhook_forgeries=1.0, webhook_workers=1, **QUICK
    )
    async with receiving() as receiver:
        endpoint = await listen(shop, receiver.url, "payment_intent.succeeded", "payment_intent.payment_failed")
        for _ in range(5):
            await shop.pay()
        await shop.pay("declined", payment_method="pm_card_chargeDeclined", **{"metadata[order]": "o9"})

        async def met() -> bool:
            rows = await shop.rows("deliveries")
            return "waiting" not in await states(shop) and any(row["signature"] == "bad" for row in rows)

        await shop.until(met)
        rows = await shop.rows("deliveries")
    good = [row for row in rows if row["signature"] == "good"]
    (forgery,) = [row for row in rows if row["signature"] == "bad"]
    numbers = [row["number"] for row in good if row["delivery"] == 1]
    assert len(numbers) == 6
    assert numbers != sorted(numbers)
    assert 0 < sum(row["delivery"] == 2 for row in good) < 6
    assert (forgery["type"], forgery["metadata"], forgery["number"]) == (
        "payment_intent.succeeded",
        {"order": "o9"},
        None,
    )
    assert forgery["payment"] not in {row["payment"] for row in good}
    letters = [letter for letter in receiver.letters if letter.event["id"] == forgery["event"]]
    assert [signed_with(letter, endpoint["secret"]) for letter in letters] == [False]


async def test_the_log_outlives_the_provider(open_shop: Open, tmp_path: Path) -> None:
    """What was delivered before a restart is in the log after it, and counted on."""
    async with receiving() as receiver:
        async with running(Options(data=tmp_path)) as open_, aiohttp.ClientSession() as session:
            first = Shop(session, open_.url, open_.control)
            await listen(first, receiver.url, "charge.succeeded")
            await first.pay()
            await settled(first)
            before = await first.rows("deliveries")
        shop = await open_shop(data=tmp_path)
        assert await shop.rows("deliveries") == before
        assert len(before) == 1
