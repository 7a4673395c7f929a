"""What a fan makes of its row: in requests, in further tabs, and while it waits."""

from __future__ import annotations

from array import array

from surgectl.fans.dialogue import Answer, Fork, Send
from surgectl.fans.intent import Intent, mint_values, open_tab
from surgectl.fans.policy import compile_policy
from surgectl.journey.compile import compile_target
from surgectl.journey.messages import Reply
from surgectl.journey.model import Journey
from surgectl.profile.accounts import Accounts
from surgectl.profile.load import load_retry_profile
from surgectl.profile.step import Step
from surgectl.profile.target import FanData, Target

PEOPLE = ["anna@x.org", "pa55", "bert@x.org", "pa56"]


def people() -> Accounts:
    text, ends = b"", array("I")
    for cell in PEOPLE:
        text += cell.encode()
        ends.append(len(text))
    return Accounts(("email", "password"), text, ends, link=("email",))


def journey() -> Journey:
    login = Step(
        step="login", role="join", post="/login", json={"user": "{account.email}", "password": "{account.password}"}
    )
    return compile_target(
        Target(
            surgectl_target=1,
            name="shop",
            base_url="http://127.0.0.1:1",
            fans_from=FanData(csv="people.csv"),
            mint={"note": "{intent}/{account.email}"},
            journey=[login],
        )
    )


def intent(fan: int) -> Intent:
    return Intent(run="r", intent=f"r-{fan}", fan=fan, seed=1, qty=1, accounts=people())


def test_a_fan_logs_in_as_its_own_row() -> None:
    """The second fan sends the second row."""
    shop, who = journey(), intent(1)
    minted = mint_values(shop, who)
    assert minted == {"note": "r-1/bert@x.org"}
    move = open_tab(shop, who, minted).begin(compile_policy(load_retry_profile("patient")), 0).send(None)
    assert isinstance(move, Send)
    assert move.wire.body == b'{"user":"bert@x.org","password":"pa56"}'


def test_all_tabs_of_a_person_are_one_account() -> None:
    """Further tabs log in as the same row."""
    shop, who = journey(), intent(1)
    tab = open_tab(shop, who, mint_values(shop, who)).begin(compile_policy(load_retry_profile("multitab")), 0)
    bodies, scripts = [], [tab]
    for script in scripts:
        answer = None
        while True:
            move = script.send(answer)
            answer = None
            if isinstance(move, Fork):
                scripts += move.tabs
            elif isinstance(move, Send):
                bodies.append(move.wire.body)
                break
    assert len(bodies) > 1
    assert set(bodies) == {b'{"user":"bert@x.org","password":"pa56"}'}


def test_a_fan_that_waits_keeps_no_copy_of_its_row() -> None:
    """Folded up while it waits, the row is not held; it is there again when the fan goes on."""
    shop, who = journey(), intent(0)
    tab = open_tab(shop, who, mint_values(shop, who)).begin(compile_policy(load_retry_profile("patient")), 0)
    move = tab.send(None)
    assert isinstance(move, Send)
    tab._fold(tab.route.made_again)
    held = tab._variables
    assert isinstance(held, tuple)
    assert not any("anna" in str(value) for value in held)
    assert tab.variables["account"] == {"email": "anna@x.org", "password": "pa55"}
    assert tab.variables["note"] == "r-0/anna@x.org"
    tab._fold(tab.route.made_again)
    verdict = move.judge(Reply(status=200))
    assert tab.send(Answer(reply=Reply(status=200), verdict=verdict, now_ns=1)) is not None
