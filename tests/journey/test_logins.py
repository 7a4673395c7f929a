"""Logins of a target: what may be meant, and what is refused with the line it stands on."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from surgectl.cli.located import located
from surgectl.errors import UsageError
from surgectl.journey.compile import compile_target
from surgectl.journey.logins import filled, needed, placeholders
from surgectl.journey.messages import Reply
from surgectl.journey.model import Journey
from surgectl.profile.load import open_target
from surgectl.units import NS_PER_S
from tests.journey.steps import offer

TARGET = """\
surgectl-target: 1
name: shop
base_url: "http://127.0.0.1:8000"
headers: {Authorization: "Bearer {api.token}"}
logins:
  api:
    steps:
      - {get: /csrf, take: {csrf: {json: csrf}}}
      - post: /token
        form: {client_secret: hush-hush, csrf: "{csrf}"}
        take: {token: {json: access_token}, kind: {json: type, default: x}}
    expires: {json: expires_in}
    lasts: 10m
journey:
  - {step: buy, role: pay, post: /buy, headers: {X-Kind: "{api.kind} {qty}"}, json: {qty: "{qty}"}}
"""


def opened(tmp_path: Path, text: str = TARGET) -> Journey:
    (tmp_path / "shop.yaml").write_text(text)
    return located(open_target(str(tmp_path / "shop.yaml"), {}, environ={}), compile_target)


def test_a_request_leaves_with_what_the_login_gave(tmp_path: Path) -> None:
    """A fan holds blanks alone; they are filled when the request leaves, in headers of the target and of the step."""
    journey = opened(tmp_path)
    request = journey.steps[0].request
    assert request is not None
    wire = request.render({"qty": 2, **placeholders(journey.logins)}, None, 1)
    assert needed(wire) == ("api",)
    full = filled(wire, {"api": {"token": "t0p", "kind": "mac", "csrf": ""}})
    assert dict(full.headers) == {
        "Content-Type": "application/json",
        "Authorization": "Bearer t0p",
        "X-Kind": "mac 2",
    }
    assert needed(full) == ()
    assert "t0p" not in repr(wire)


HOLDS = {
    "as the reply says": ({"expires_in": 60}, 60 * NS_PER_S),
    "as a text": ({"expires_in": "60"}, 60 * NS_PER_S),
    "as the target says": ({}, 600 * NS_PER_S),
    "nonsense": ({"expires_in": "soon"}, 600 * NS_PER_S),
}


@pytest.mark.parametrize(("said", "holds_ns"), HOLDS.values(), ids=HOLDS)
def test_a_login_holds_as_long_as_its_reply_says(tmp_path: Path, said: dict[str, object], holds_ns: int) -> None:
    """`expires` first, `lasts` where it says nothing."""
    login = opened(tmp_path).logins["api"]
    assert login.expires(Reply(status=200, body=msgspec.json.encode(said))) == holds_ns


def test_what_is_written_down_is_a_secret_all_the_same(tmp_path: Path) -> None:
    """A client secret that stands in the file stands in no recording."""
    (tmp_path / "shop.yaml").write_text(TARGET)
    assert open_target(str(tmp_path / "shop.yaml"), {}, environ={}).secrets.redact("a hush-hush b") == "a *** b"


TWO = """\
  member:
    per: account
    steps: [{post: /visit, headers: {Authorization: "Bearer {api.token}"}, take: {visit: {json: visit}}}]
"""
CHAINED = TARGET.replace("logins:\n", "fans_from: {csv: people.csv}\nlogins:\n").replace(
    "journey:\n", TWO + "journey:\n"
)


def test_a_login_may_need_one_above_it(tmp_path: Path) -> None:
    """A member's visit behind an API that wants a machine's token."""
    login = opened(tmp_path, CHAINED).logins["member"]
    assert needed(login.knocks[0].request.render(placeholders(opened(tmp_path).logins), None, 1)) == ("api",)


def test_a_login_for_all_needs_nobody_s_own(tmp_path: Path) -> None:
    """One for the whole run cannot lean on an account's; nor any on one that stands below it."""
    turned = CHAINED.replace("get: /csrf", 'get: /csrf, headers: {X-Visit: "{member.visit}"}')
    with pytest.raises(UsageError, match=r'logins\.api\.steps\[0\]: no such variable "member"'):
        opened(tmp_path, turned)


REFUSED = {
    "a value that it does not take": (
        "Bearer {api.token}",
        "Bearer {api.tokn}",
        '4: headers.Authorization: the login api takes no tokn (did you mean "token"?)',
    ),
    "the login itself": (
        "{api.kind}",
        "{api}",
        "15: journey[0].headers.X-Kind: the login api takes no value of its own (it takes csrf, kind, token)",
    ),
    "in a body": (
        'json: {qty: "{qty}"}',
        'json: {token: "{api.token}"}',
        '15: journey[0].json: {api.token} stands in headers alone (headers: {Authorization: "Bearer {api.token}"})',
    ),
    "in a URL": (
        "post: /buy,",
        'post: "/buy?t={api.token}",',
        '15: journey[0].post: {api.token} stands in headers alone (headers: {Authorization: "Bearer {api.token}"})',
    ),
    "in a condition": (
        "post: /buy,",
        "post: /buy, only: {var: {api.token: x}},",
        "15: journey[0].only.var.api.token: no such variable {api}",
    ),
    "no steps": ("    steps:\n", "    steps: []\n    xsteps:\n", "8: logins.api.xsteps: unknown key"),
    "takes nothing": (
        "take: {token: {json: access_token}, kind: {json: type, default: x}}",
        "take: {}",
        "4: headers.Authorization: the login api takes no token (it takes csrf)",
    ),
    "a variable of a fan": ('csrf: "{csrf}"', 'csrf: "{qty}"', '9: logins.api.steps[1]: no such variable "qty"'),
    "an account without accounts": (
        "    lasts: 10m",
        "    per: account",
        "13: logins.api.per: there are no accounts (fans_from: {csv: accounts.csv})",
    ),
    "an account in one for all": (
        'csrf: "{csrf}"',
        'csrf: "{account.email}"',
        "9: logins.api.steps[1]: one login for all has no account (per: account)",
    ),
    "called like a variable": ("  api:\n", "  sale:\n", "6: logins.sale: sale is another variable"),
    "called like a taken value": (
        "post: /buy,",
        "post: /buy, take: {api: {json: id}},",
        "6: logins.api: api is another variable",
    ),
    "a step called as its requests are": (
        "step: buy",
        "step: login-api",
        '6: logins.api: a step is called "login-api", as the login\'s requests are',
    ),
    "a choice": (
        "take: {csrf: {json: csrf}}",
        "take: {csrf: {json: csrf, else: gone}}",
        "8: logins.api.steps[0].take.csrf: only a fan has a choice (leave out else and pick)",
    ),
    "a misspelt key": (
        "    lasts: 10m",
        "    expire: 10m",
        '13: logins.api.expire: unknown key (did you mean "expires"?)',
    ),
    "asks nothing": ("{get: /csrf,", "{", "8: logins.api.steps[0]: asks nothing, or twice (get: or post:)"),
    "an origin that is none": (
        "{get: /csrf,",
        "{get: /csrf, origin: auth,",
        '8: logins.api.steps[0].origin: no such origin: "auth" (name it under origins:)',
    ),
}


@pytest.mark.parametrize(("old", "new", "complaint"), REFUSED.values(), ids=REFUSED)
def test_a_login_that_cannot_be_meant_is_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    """File, line and path, and the nearest word."""
    assert old in TARGET
    with pytest.raises(UsageError) as error:
        opened(tmp_path, TARGET.replace(old, new))
    assert str(error.value).splitlines()[0].removeprefix(f"{tmp_path}/shop.yaml:").startswith(complaint)


def test_what_a_login_gives_is_handed_to_nobodys_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is filled in after the call has spoken: a signature over the blank would be one over nothing."""
    offer(monkeypatch, sign=lambda call: {})
    text = TARGET.replace('json: {qty: "{qty}"}}', 'call: sign, with: {token: "{api.token}"}}')
    with pytest.raises(UsageError, match=r"journey\[0\]\.with: \{api\.token\} stands in headers alone"):
        opened(tmp_path, text)
