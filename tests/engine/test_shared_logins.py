"""A login that all workers share: made by the first of them, told to the others; on a clock that tests turn.

The authority here keeps only its newest token, as many do for each client: whoever logs in puts the others out.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from surgectl.clock import LoopClock, VirtualLoop
from surgectl.engine.drivers.admitted import Admitted
from surgectl.engine.drivers.memory_driver import MemoryDriver
from surgectl.engine.logins import Logins
from surgectl.engine.runners.messages import Answer, Aside, Command, Link, LoginCame, LoginWanted
from surgectl.engine.runners.processes import Crew
from surgectl.engine.scene import Scene
from surgectl.journey.compile import compile_target
from surgectl.journey.logins import placeholders
from surgectl.journey.messages import Reply, Wire
from surgectl.journey.model import Journey
from surgectl.profile.load import load_target
from surgectl.recording.journal import Journal
from surgectl.recording.repair import read_rows
from surgectl.recording.rows import InvokeRow

S = 1_000_000_000

TARGET = """\
surgectl-target: 1
name: shop
base_url: "http://shop.example"
logins:
  api:
    steps: [{post: /token, form: {grant_type: client_credentials}, take: {token: {json: access_token}}}]
    expires: {json: expires_in}
journey:
  - {step: buy, role: pay, post: /buy, headers: {Authorization: "Bearer {api.token}"}}
"""


class OnlyTheNewest:
    """An authority that revokes a client's former token with each new one, and a shop that asks it."""

    def __init__(self, holds_s: int | None = None) -> None:
        self.holds_s = holds_s
        self.tokens = 0
        self.revoked = False
        self.refuses = False
        self.statuses: list[int] = []

    async def __call__(self, wire: Wire) -> Reply:
        if wire.url.endswith("/token"):
            await asyncio.sleep(0.05)
            if self.refuses:
                self.tokens += 1
                return Reply(status=401, body=b'{"error": "invalid_client"}')
            self.tokens += 1
            self.revoked = False
            said = {"access_token": f"token-number-{self.tokens}"}
            if self.holds_s is not None:
                said["expires_in"] = str(self.holds_s)
            return Reply(status=200, body=msgspec.json.encode(said))
        await asyncio.sleep(0.01)
        shown = dict(wire.headers)["Authorization"]
        good = shown == f"Bearer token-number-{self.tokens}" and not self.revoked
        self.statuses.append(201 if good else 401)
        return Reply(status=self.statuses[-1], body=b"{}")


class Worker:
    """One of several, as far as logins go."""

    def __init__(self, journey: Journey, shop: OnlyTheNewest, folder: Path, shard: int) -> None:
        folder.mkdir()
        clock = LoopClock()
        self.journey = journey
        self.learnt: list[str] = []
        self.logins = Logins(journey.logins, {"run": "r"}, seed=1, shard=shard, learn=self.learnt.append)
        self.journal = Journal(folder)
        inner = MemoryDriver(shop, clock)
        self.scene = Scene(clock=clock, start_ns=0, journal=self.journal, driver=inner)
        self.driver = Admitted(inner, self.logins, fan=0)
        self.logins.open(self.scene, self.driver.visit)

    async def buy(self, timeout_ns: int = 10 * S) -> Reply:
        step = self.journey.steps[0]
        assert step.request is not None
        wire = step.request.render({"run": "r", **placeholders(self.journey.logins)}, None, timeout_ns)
        return await self.driver.session().send(wire, self.scene.now_ns())


class Parent:
    """Passes on what they say to each other, a millisecond later, as engine/runners/processes.py does."""

    def __init__(self, workers: list[Worker]) -> None:
        self.words: list[Aside] = []
        for worker in workers:
            worker.logins.share(lambda word, worker=worker: self._pass_on(workers, worker, word))

    def _pass_on(self, workers: list[Worker], sender: Worker, word: Aside) -> None:
        self.words.append(word)
        to = workers[:1] if isinstance(word, LoginWanted) else workers[1:]
        for worker in to:
            again = msgspec.msgpack.decode(msgspec.msgpack.encode(word), type=LoginWanted | LoginCame)
            asyncio.get_running_loop().call_later(0.001, worker.logins.hear, again)


Story = Callable[[list[Worker], Parent], Awaitable[None]]


def play(story: Story, shop: OnlyTheNewest, tmp_path: Path, *, shared: bool = True) -> list[list[Any]]:
    """Two workers and what each wrote down."""
    (tmp_path / "shop.yaml").write_text(TARGET)
    journey = compile_target(load_target(tmp_path / "shop.yaml", {}, environ={}))
    paths: list[Path] = []

    async def whole() -> None:
        workers = [Worker(journey, shop, tmp_path / str(shard), shard) for shard in (0, 1)]
        paths.extend(worker.journal.path for worker in workers)
        parent = Parent(workers if shared else [])
        async with workers[0].journal, workers[1].journal, workers[0].driver, workers[1].driver:
            await story(workers, parent)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(whole())
    return [[row for _, row in read_rows(path)] for path in paths]


async def ten_seconds_of_sale(workers: list[Worker], parent: Parent) -> None:
    """Each worker sends twenty requests a second."""

    async def fans(worker: Worker) -> None:
        for _ in range(200):
            sending = asyncio.ensure_future(worker.buy())
            await asyncio.sleep(0.05)
            await sending

    await asyncio.gather(*(fans(worker) for worker in workers))


def test_two_workers_use_one_login(tmp_path: Path) -> None:
    """Four hundred requests of two workers: one token, made and recorded by the first, and nobody is denied."""
    shop = OnlyTheNewest()
    first, second = play(ten_seconds_of_sale, shop, tmp_path)
    assert shop.tokens == 1 and set(shop.statuses) == {201} and len(shop.statuses) == 400
    assert [row.step for row in first if isinstance(row, InvokeRow)] == ["login-api"] and second == []


def test_workers_on_their_own_put_each_other_out(tmp_path: Path) -> None:
    """What it is good for: without it the two take turns in being denied, for as long as the sale lasts."""
    shop = OnlyTheNewest()
    play(ten_seconds_of_sale, shop, tmp_path, shared=False)
    assert shop.tokens > 4 and shop.statuses.count(401) > 40


def test_a_renewal_reaches_everybody(tmp_path: Path) -> None:
    """A token of ten seconds over ten seconds: renewed once, for both; whoever still shows the old one is told 401
    once, and nobody logs in for that."""
    shop = OnlyTheNewest(holds_s=10)
    play(ten_seconds_of_sale, shop, tmp_path)
    assert shop.tokens == 2
    assert shop.statuses.count(401) <= 4, "those under way while the new one was made"
    assert set(shop.statuses[-10:]) == {201}


def test_a_denial_in_one_worker_is_mended_for_all(tmp_path: Path) -> None:
    """The authority forgets the token; the second worker's fan hears it first: one new login, and both go on."""
    shop = OnlyTheNewest()

    async def story(workers: list[Worker], parent: Parent) -> None:
        await asyncio.gather(*(worker.buy() for worker in workers))
        shop.revoked = True
        replies = await asyncio.gather(*(workers[1].buy() for _ in range(10)))
        assert {reply.status for reply in replies} == {401} and shop.tokens == 1
        replies = await asyncio.gather(*(worker.buy() for worker in reversed(workers) for _ in range(10)))
        assert {reply.status for reply in replies[:10]} == {201}
        assert (await workers[0].buy()).status == 201 and shop.tokens == 2
        assert workers[1].learnt == workers[0].learnt == ["token-number-1", "token-number-2"], "secrets everywhere"
        wanted = [word for word in parent.words if isinstance(word, LoginWanted)]
        assert [(word.held, word.denied) for word in wanted] == [(0, False), (1, True)]

    play(story, shop, tmp_path)


def test_a_shop_that_denies_every_token_is_not_hammered_by_two_workers_either(tmp_path: Path) -> None:
    """The pauses between two renewals double for both together; meanwhile its own 401 is what fans hear."""
    shop = OnlyTheNewest()

    async def story(workers: list[Worker], parent: Parent) -> None:
        async def fans(worker: Worker) -> None:
            for _ in range(100):
                shop.revoked = True
                await worker.buy()
                shop.revoked = True
                await asyncio.sleep(0.3)

        denying = asyncio.create_task(_denies(shop))
        await asyncio.gather(*(fans(worker) for worker in workers))
        denying.cancel()

    play(story, shop, tmp_path)
    assert shop.statuses.count(401) >= 195
    assert 3 <= shop.tokens <= 8, "in half a minute"


async def _denies(shop: OnlyTheNewest) -> None:
    while True:
        shop.revoked = True
        await asyncio.sleep(0.001)


def test_a_refusal_is_told_to_whoever_waits(tmp_path: Path) -> None:
    """Wrong credentials: the second worker's request never leaves and says why; both try again only after a pause."""
    shop = OnlyTheNewest()
    shop.refuses = True

    async def story(workers: list[Worker], parent: Parent) -> None:
        replies = await asyncio.gather(*(worker.buy() for worker in reversed(workers) for _ in range(5)))
        assert {(reply.broken, reply.sent_ns) for reply in replies} == {("not-sent", None)}
        assert {reply.detail for reply in replies} == {"login api: answered 401, invalid_client"}
        assert shop.tokens == 1
        soon = await workers[1].buy()
        assert soon.detail == "login api: answered 401, invalid_client; not tried again so soon"
        await asyncio.sleep(1.1)
        shop.refuses = False
        assert (await workers[1].buy()).status == 201 and shop.tokens == 2

    play(story, shop, tmp_path)


def test_who_waits_is_told_when_the_first_worker_is_lost(tmp_path: Path) -> None:
    """The parent answers in its place: nothing is sent, and the reason says whose loss it is."""
    shop = OnlyTheNewest()

    async def story(workers: list[Worker], parent: Parent) -> None:
        workers[1].logins.share(lambda word: None)  # nobody passes it on
        waiting = asyncio.ensure_future(workers[1].buy())
        await asyncio.sleep(0.5)
        assert not waiting.done()
        workers[1].logins.hear(LoginCame(login="api", trouble="the worker that made it for all is lost"))
        reply = await waiting
        assert (reply.broken, reply.detail) == ("not-sent", "login api: the worker that made it for all is lost")

    play(story, shop, tmp_path)


def test_what_one_learns_the_other_need_not_learn_again(tmp_path: Path) -> None:
    """A denial that one worker's fans heard costs the other's none: neither while the new login is made, by whichever
    of them, nor after it."""
    shop = OnlyTheNewest()

    async def story(workers: list[Worker], parent: Parent) -> None:
        first, second = workers
        await asyncio.gather(first.buy(), second.buy())
        for denied, other in ((first, second), (second, first)):
            shop.revoked = True
            assert (await denied.buy()).status == 401
            renewing = asyncio.ensure_future(denied.buy())
            if other is first:
                await asyncio.sleep(0.01)  # the wish has come to where it is made: its own fans wait for it, too
            else:
                await renewing
                await asyncio.sleep(0.01)
            assert (await other.buy()).status == (await renewing).status == 201
            await asyncio.sleep(40)
        assert shop.tokens == 3

    play(story, shop, tmp_path)


def test_denials_that_lie_far_apart_are_each_a_first_one(tmp_path: Path) -> None:
    """An authority that forgets every two minutes: a new login each time at once, though only the second worker's fans
    ever show one."""
    shop = OnlyTheNewest()

    async def story(workers: list[Worker], parent: Parent) -> None:
        await workers[1].buy()
        for _ in range(6):
            await asyncio.sleep(120)
            shop.revoked = True
            assert (await workers[1].buy()).status == 401
            assert (await workers[1].buy()).status == 201

    play(story, shop, tmp_path)
    assert shop.tokens == 7


def test_who_is_told_to_wait_asks_no_more_meanwhile(tmp_path: Path) -> None:
    """The first worker pauses after denial upon denial; the second one's fans hear the shop's 401, and one wish is
    enough to learn for how long."""
    shop = OnlyTheNewest()

    async def story(workers: list[Worker], parent: Parent) -> None:
        first, second = workers
        denying = asyncio.create_task(_denies(shop))
        for _ in range(60):
            await first.buy()
            await asyncio.sleep(0.1)
        parent.words.clear()
        for _ in range(20):
            assert (await second.buy()).status == 401
        wishes = [word for word in parent.words if isinstance(word, LoginWanted)]
        assert 1 <= len(wishes) <= 2, parent.words
        denying.cancel()

    play(story, shop, tmp_path)


@pytest.mark.parametrize("holds_s", [None, 10])
def test_the_words_of_a_login_hide_nothing_of_it(tmp_path: Path, holds_s: int | None) -> None:
    """Number, end and renewal are the same in both workers: a denial means the same token to everybody."""
    shop = OnlyTheNewest(holds_s)

    async def story(workers: list[Worker], parent: Parent) -> None:
        await workers[1].buy()
        ours, theirs = (worker.logins.entry("api", None) for worker in workers)
        assert ours.number == theirs.number == 1
        assert ours.ends_ns == theirs.ends_ns and ours.values() == theirs.values() == {"token": "token-number-1"}
        assert (ours.ends_ns is None) == (holds_s is None)

    play(story, shop, tmp_path)


async def test_the_parent_passes_on_and_answers_for_who_is_lost() -> None:
    """A wish goes to the first worker alone, what came of it to all others; once the first is lost, whoever waits and
    whoever asks later is told so. What a login gave is a secret of the parent's, too."""
    learnt: list[str] = []
    crew = Crew(["true"], [b"", b"", b""], hear=lambda *_: None, lost=lambda *_: None, learn=learnt.append)
    far: list[Link] = []
    for worker in crew.workers:
        ours, theirs = socket.socketpair()
        worker._link = await Link.over(ours, Answer)
        far.append(await Link.over(theirs, Command))
    wish = LoginWanted(login="api", held=1, denied=True)

    async def hears(number: int) -> Aside:
        return await asyncio.wait_for(far[number].hear(), 5)

    came = LoginCame(login="api", number=2, values={"token": "hush-hush"}, ends_ns=7)
    crew._pass_on(1, wish)
    crew._pass_on(0, came)
    assert await hears(0) == wish
    assert await hears(1) == await hears(2) == came and learnt == ["hush-hush"]
    crew._pass_on(2, wish)
    crew.workers[0].gone = "killed"
    crew._missed(0, "killed")
    told = LoginCame(login="api", trouble="the worker that made it for all is lost")
    assert await hears(1) == await hears(2) == told
    crew._pass_on(2, wish)
    assert await hears(2) == told
    for link in (*far, *(worker._link for worker in crew.workers)):
        assert link is not None
        link.close()
