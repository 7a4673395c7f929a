"""Logins that many share: asked for once, renewed in time, and never hammered; on a clock that tests turn."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from surgectl.clock import LoopClock, VirtualLoop
from surgectl.engine.drivers.admitted import Admitted, AdmittedSession
from surgectl.engine.drivers.memory_driver import MemoryDriver
from surgectl.engine.logins import Logins
from surgectl.engine.scene import Scene
from surgectl.journey.compile import compile_target
from surgectl.journey.logins import placeholders
from surgectl.journey.messages import Reply, Wire
from surgectl.journey.model import Journey
from surgectl.profile.accounts import Accounts
from surgectl.profile.load import load_target
from surgectl.recording.journal import Journal
from surgectl.recording.repair import read_rows
from surgectl.recording.rows import DoneRow, InvokeRow
from tests.journey.steps import offer

S = 1_000_000_000

TARGET = """\
surgectl-target: 1
name: shop
base_url: "http://shop.example"
headers: {Authorization: "Bearer {api.token}", X-Run: "{run}"}
fans_from: {csv: people.csv}
logins:
  api:
    steps:
      - post: /oauth/token
        form: {grant_type: client_credentials, client_id: surgectl, client_secret: hush-hush}
        take: {token: {json: access_token}}
    expires: {json: expires_in}
journey:
  - {step: buy, role: pay, post: /buy}
"""


class Shop:
    """Gives tokens that hold for a while, and sells to those who have one."""

    def __init__(self, *, holds_s: int | None = 100, takes_s: float = 0.2) -> None:
        self.holds_s = holds_s
        self.takes_s = takes_s
        self.tokens: list[dict[str, list[str]]] = []
        """What was asked for each."""
        self.good: set[str] = set()
        self.denied = 0
        self.sold: list[str] = []
        self.refuses: Reply | None = None

    async def __call__(self, wire: Wire) -> Reply:
        await asyncio.sleep(self.takes_s if wire.url.endswith("/token") else 0.01)
        if wire.url.endswith("/token"):
            assert dict(wire.headers).keys() == {"Content-Type"}, "nothing of the fans' own, nor a browser's"
            self.tokens.append(parse_qs((wire.body or b"").decode()))
            if self.refuses is not None:
                return self.refuses
            token = f"token-number-{len(self.tokens)}"
            self.good = {token}
            said = {"access_token": token} | ({} if self.holds_s is None else {"expires_in": self.holds_s})
            return Reply(status=200, body=msgspec.json.encode(said))
        shown = dict(wire.headers)["Authorization"].removeprefix("Bearer ")
        if shown not in self.good:
            self.denied += 1
            return Reply(status=401, body=b"{}")
        self.sold.append(shown)
        return Reply(status=201, body=b"{}")


class Evening:
    """A shop, its logins, and somebody who buys."""

    def __init__(self, journey: Journey, shop: Shop, folder: Path, accounts: Accounts | None = None) -> None:
        self.clock = LoopClock()
        self.journey = journey
        self.folder = folder
        self.learnt: list[str] = []
        self.inner = MemoryDriver(shop, self.clock)
        self.logins = Logins(journey.logins, {"run": "r"}, seed=1, accounts=accounts, learn=self.learnt.append)
        self.journal = Journal(folder)
        self.scene = Scene(clock=self.clock, start_ns=0, journal=self.journal, driver=self.inner)
        self.driver = Admitted(self.inner, self.logins, fan=0)
        self.logins.open(self.scene, self.driver.visit)

    async def buy(self, session: AdmittedSession | None = None, timeout_ns: int = 10 * S) -> Reply:
        session = session or self.driver.session()
        step = self.journey.steps[0]
        assert step.request is not None
        wire = step.request.render({"run": "r", **placeholders(self.journey.logins)}, None, timeout_ns)
        return await session.send(wire, self.scene.now_ns())

    def rows(self) -> list[Any]:
        self.journal.flush()
        return [row for _, row in read_rows(self.journal.path)]


Story = Callable[[Evening], Awaitable[None]]


def play(
    story: Story, shop: Shop, tmp_path: Path, target: str = TARGET, accounts: Accounts | None = None
) -> tuple[list[Any], list[str]]:
    """The rows written down, and what was learnt."""
    (tmp_path / "shop.yaml").write_text(target)
    journey = compile_target(load_target(tmp_path / "shop.yaml", {}, environ={}))
    held: list[Evening] = []

    async def whole() -> None:
        evening = Evening(journey, shop, tmp_path, accounts)
        held.append(evening)
        async with evening.journal, evening.driver:
            await story(evening)

    loop = VirtualLoop()
    try:
        loop.run_until_complete(whole())
    finally:
        loop.close()
    rows = [row for _, row in read_rows(held[0].journal.path)]
    return rows, held[0].learnt


def test_a_herd_of_fans_asks_for_one_token(tmp_path: Path) -> None:
    """Two hundred at once: one request, journalled once, and everybody buys with what it gave."""
    shop = Shop()

    async def story(evening: Evening) -> None:
        replies = await asyncio.gather(*(evening.buy() for _ in range(200)))
        assert {reply.status for reply in replies} == {201}

    rows, learnt = play(story, shop, tmp_path)
    assert shop.tokens == [
        {"grant_type": ["client_credentials"], "client_id": ["surgectl"], "client_secret": ["hush-hush"]}
    ]
    assert len(shop.sold) == 200
    invoke, done = rows
    assert isinstance(invoke, InvokeRow) and isinstance(done, DoneRow)
    assert (invoke.intent, invoke.step, invoke.role, invoke.method) == ("r-login-0", "login-api", "login", "POST")
    assert (done.outcome, done.status, done.claims) == ("ok", 200, {})
    assert learnt == ["token-number-1"], "a secret from now on"
    assert "token-number" not in str(rows)


def test_a_token_is_renewed_before_it_ends_and_nobody_waits_for_it(tmp_path: Path) -> None:
    """Of a hundred seconds the last ten: the old one goes on holding while the new one is fetched, once."""
    shop = Shop(holds_s=100, takes_s=2)

    async def story(evening: Evening) -> None:
        await evening.buy()
        begun_s = evening.scene.now_ns() / S
        await asyncio.sleep(88)
        await evening.buy()
        assert len(shop.tokens) == 1
        await asyncio.sleep(3)
        shop.good.add("token-number-2")
        before_ns = evening.scene.now_ns()
        replies = await asyncio.gather(*(evening.buy() for _ in range(50)))
        assert {reply.status for reply in replies} == {201}
        assert evening.scene.now_ns() - before_ns < S, "with the token that still holds"
        await asyncio.sleep(3)
        await evening.buy()
        assert evening.scene.now_ns() / S - begun_s < 101

    play(story, shop, tmp_path)
    assert len(shop.tokens) == 2
    assert shop.sold.count("token-number-1") == 52 and shop.sold[-1] == "token-number-2"
    assert shop.denied == 0


def test_a_token_that_has_ended_is_not_sent(tmp_path: Path) -> None:
    """After a long quiet the next request waits for a new one: no denial is provoked."""
    shop = Shop(holds_s=5)

    async def story(evening: Evening) -> None:
        await evening.buy()
        await asyncio.sleep(60)
        assert (await evening.buy()).status == 201

    play(story, shop, tmp_path)
    assert len(shop.tokens) == 2 and shop.denied == 0


def test_one_denial_renews_once_and_sends_nothing_again(tmp_path: Path) -> None:
    """The shop forgets the token in the middle of the run: the 401s go to the fans, the next request has a new one."""
    shop = Shop(holds_s=None)

    async def story(evening: Evening) -> None:
        await evening.buy()
        shop.good.clear()
        replies = await asyncio.gather(*(evening.buy() for _ in range(20)))
        assert {reply.status for reply in replies} == {401}, "never sent again behind the fan's back"
        assert len(shop.tokens) == 1, "nobody asked for anything yet"
        replies = await asyncio.gather(*(evening.buy() for _ in range(20)))
        assert {reply.status for reply in replies} == {201}

    play(story, shop, tmp_path)
    assert len(shop.tokens) == 2 and shop.denied == 20


def test_a_shop_that_denies_every_token_is_not_hammered(tmp_path: Path) -> None:
    """The pauses between two renewals double; meanwhile the shop's own 401 is what a fan hears."""
    shop = Shop(holds_s=None)

    async def story(evening: Evening) -> None:
        for _ in range(100):
            shop.good.clear()
            reply = asyncio.ensure_future(evening.buy())
            await asyncio.sleep(0.205)
            shop.good.clear()
            assert (await reply).status == 401
            await asyncio.sleep(0.095)

    play(story, shop, tmp_path)
    assert shop.denied == 100
    assert 3 <= len(shop.tokens) <= 7, "in half a minute"


def test_refused_credentials_are_said_in_plain_words(tmp_path: Path) -> None:
    """The request that needed it never leaves, its reply says why, and the shop is asked again only after a pause."""
    shop = Shop()
    shop.refuses = Reply(status=401, body=b'{"error": "invalid_client"}')

    async def story(evening: Evening) -> None:
        replies = await asyncio.gather(*(evening.buy() for _ in range(30)))
        assert {(reply.broken, reply.sent_ns) for reply in replies} == {("not-sent", None)}
        assert {reply.detail for reply in replies} == {"login api: answered 401, invalid_client"}
        soon = await evening.buy()
        assert soon.detail == "login api: answered 401, invalid_client; not tried again so soon"
        assert len(shop.tokens) == 1
        await asyncio.sleep(1)
        shop.refuses = None
        assert (await evening.buy()).status == 201

    rows, _ = play(story, shop, tmp_path)
    assert len(shop.tokens) == 2 and not shop.denied
    done = [row for row in rows if isinstance(row, DoneRow)]
    assert [(row.outcome, row.why, row.detail) for row in done] == [
        ("fail", "status-401", "answered 401, invalid_client"),
        ("ok", "next", ""),
    ]


ODD = {
    "no JSON": (Reply(status=200, body=b"<html>"), '"token" is looked for in JSON, and the answer is none'),
    "no token": (Reply(status=200, body=b'{"token_type": "x"}'), 'the answer holds no "token" (it was 200)'),
    "an empty token": (Reply(status=200, body=b'{"access_token": ""}'), 'the answer holds no "token" (it was 200)'),
    "cut": (Reply(broken="cut", detail="reset"), "reset"),
    "a code that is no code": (Reply(status=400, body=b'{"error": "\\u001b[31m"}'), "answered 400"),
}


@pytest.mark.parametrize(("reply", "said"), ODD.values(), ids=ODD)
def test_a_login_that_gives_nothing_has_failed(tmp_path: Path, reply: Reply, said: str) -> None:
    """What only a success gives was not there."""
    shop = Shop()
    shop.refuses = reply

    async def story(evening: Evening) -> None:
        assert (await evening.buy()).detail == f"login api: {said}"

    play(story, shop, tmp_path)


def test_a_fan_waits_for_a_login_no_longer_than_it_would_for_the_shop(tmp_path: Path) -> None:
    """Its own time-out holds: nothing of it left. Who came later still gets what comes."""
    shop = Shop(takes_s=5)

    async def story(evening: Evening) -> None:
        short, long = await asyncio.gather(evening.buy(timeout_ns=2 * S), evening.buy(timeout_ns=8 * S))
        assert (short.broken, short.detail) == ("not-sent", "login api: not over in time")
        assert short.done_ns == 2 * S
        assert long.status == 201

    play(story, shop, tmp_path)


def test_a_run_that_ends_in_the_middle_of_a_login_writes_it_down(tmp_path: Path) -> None:
    """Its row says that we hung up; whoever waited hears that it never left."""
    shop = Shop(takes_s=100)
    heard: list[Reply] = []

    async def story(evening: Evening) -> None:
        waiting = asyncio.ensure_future(evening.buy(timeout_ns=500 * S))
        await asyncio.sleep(1)
        await evening.logins.close()
        heard.append(await waiting)

    rows, _ = play(story, shop, tmp_path)
    assert [row.why for row in rows if isinstance(row, DoneRow)] == ["quit"]
    assert (heard[0].broken, heard[0].detail) == ("not-sent", "login api: the run was over")


def people(*names: str, reuse: bool = False) -> Accounts:
    text, ends = b"", array("I")
    for name in names:
        text += name.encode()
        ends.append(len(text))
    return Accounts(("email",), text, ends, reuse=reuse)


PER_ACCOUNT = TARGET.replace("    steps:\n", "    per: account\n    steps:\n").replace(
    "client_id: surgectl", 'client_id: "{account.email}"'
)


def test_each_account_logs_in_once_for_all_of_its_tabs(tmp_path: Path) -> None:
    """Two fans with two tabs each: two logins, each as its own row; when a fan is gone its token is, too."""
    shop = Shop()
    shop.good = {"token-number-1", "token-number-2"}

    async def story(evening: Evening) -> None:
        fans = [Admitted(evening.inner, evening.logins, keeps=False, fan=fan) for fan in (0, 1)]
        tabs = [driver.session() for driver in fans for _ in range(2)]
        await asyncio.gather(*(evening.buy(tab) for tab in tabs), return_exceptions=True)
        assert len(evening.logins._entries) == 2
        for tab in tabs:
            tab.close()
        assert not evening.logins._entries

    rows, _ = play(story, shop, tmp_path, PER_ACCOUNT, people("anna@x.org", "bert@x.org"))
    assert sorted(asked["client_id"] for asked in shop.tokens) == [["anna@x.org"], ["bert@x.org"]]
    assert {row.intent for row in rows if isinstance(row, InvokeRow)} == {"r-0", "r-1"}


def test_fans_who_share_an_account_share_its_login(tmp_path: Path) -> None:
    """Where rows go round, the next fan of the same row finds its token."""
    shop = Shop()

    async def story(evening: Evening) -> None:
        for fan in (0, 1, 2):
            session = Admitted(evening.inner, evening.logins, keeps=False, fan=fan).session()
            await evening.buy(session)
            session.close()

    play(story, shop, tmp_path, PER_ACCOUNT, people("anna@x.org", reuse=True))
    assert len(shop.tokens) == 1 and len(shop.sold) == 3


SIGNED = TARGET.replace(
    "        take: {token", '        call: sign\n        with: {secret: "{run}"}\n        take: {token'
)


def test_a_login_is_signed_each_time_that_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's Python has the last word on its request (a client's assertion, say), with chance of its own."""
    nonces: list[str] = []

    def sign(call: Any) -> dict[str, Any]:
        nonces.append(f"{call.random().getrandbits(64):x}")
        body = call.request.body.decode().replace("hush-hush", f"{call.given['secret']}-{nonces[-1]}")
        return {"body": body}

    offer(monkeypatch, sign=sign)
    shop = Shop(holds_s=5)

    async def story(evening: Evening) -> None:
        await evening.buy()
        await asyncio.sleep(60)
        assert (await evening.buy()).status == 201
        assert evening.scene.counts.calls == 2

    play(story, shop, tmp_path, SIGNED)
    assert [asked["client_secret"] for asked in shop.tokens] == [[f"r-{nonce}"] for nonce in nonces]
    assert len(set(nonces)) == 2


def test_a_login_whose_signature_fails_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent, and whoever waited hears why."""

    def sign(call: Any) -> dict[str, Any]:
        raise RuntimeError("no key")

    offer(monkeypatch, sign=sign)
    shop = Shop()

    async def story(evening: Evening) -> None:
        reply = await evening.buy()
        assert (reply.broken, reply.detail) == ("not-sent", "login api: call sign: RuntimeError: no key")

    play(story, shop, tmp_path, SIGNED)
    assert shop.tokens == []
