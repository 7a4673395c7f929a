"""A file of fan data: who is which row, and everything that such a file can be wrong in."""

from __future__ import annotations

import pickle
import time
import tracemalloc
from array import array
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surgectl.cli.accounts import accounts_of
from surgectl.cli.located import located
from surgectl.errors import UsageError
from surgectl.journey.compile import compile_target
from surgectl.profile.accounts import Accounts, check_enough, read_accounts
from surgectl.profile.load import open_target
from surgectl.profile.substitute import Secrets
from surgectl.profile.target import FanData

THREE = (
    "email,password,Tier\nanna@example.org,pa55-anna,gold\nbert@example.org,pa55-bert,\ncleo@example.org,pa55-cleo,x\n"
)

TARGET = """\
surgectl-target: 1
name: shop
base_url: "http://127.0.0.1:8000"
fans_from: {csv: accounts.csv, link: [email]}
mint: {note: "{intent} of {account.email}"}
journey:
  - {step: login, post: /login, json: {user: "{account.email}", password: "{account.password}"}}
  - {step: pay, role: pay, post: /orders, json: {note: "{note}"}}
"""


def load(tmp_path: Path, text: str | bytes, **said: object) -> Accounts:
    (tmp_path / "people.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_accounts(FanData(csv="people.csv", **said), tmp_path, "fans_from")


def test_a_fan_is_the_row_of_its_number(tmp_path: Path) -> None:
    """Fan 0 is the first row under the headings; an empty cell is an empty text."""
    accounts = load(tmp_path, THREE)
    assert len(accounts) == 3
    assert accounts.of(1) == {"email": "bert@example.org", "password": "pa55-bert", "Tier": ""}
    with pytest.raises(IndexError):
        accounts.of(3)


WRITTEN = {
    "a byte-order mark": (b"\xef\xbb\xbfname\nJos\xc3\xa9\n", {}),
    "UTF-16": ("name\nJosé\n".encode("utf-16"), {}),
    "an old code page": ("name\r\nJosé\r\n".encode("cp1252"), {"encoding": "cp1252"}),
    "Excel's first line": ("sep=;\nname;other\nJosé;1\n", {}),
    "semicolons": ("name;other\nJosé;1\n", {}),
    "another quote": ("name,other\n'José','1,2'\n", {"quote": "'"}),
    "quotes": ('"name","other"\n"José","a ""b"", c\nd"\n', {}),
    "blank lines": ("name\n\nJosé\n\n", {}),
    "spaces round the heading": (" name ,other\nJosé,1\n", {}),
    "our own name for it": ("E-mail (private),x\nJosé,1\n", {"row": {"name": "E-mail (private)"}}),
}


@pytest.mark.parametrize(("text", "said"), WRITTEN.values(), ids=WRITTEN)
def test_a_table_is_read_as_it_was_written(tmp_path: Path, text: str | bytes, said: dict[str, object]) -> None:
    """Marks, code pages, delimiters and quotes are understood as an export's are."""
    assert load(tmp_path, text, **said).of(0)["name"] == "José"


SPOILT = {
    "no heading": ("", {}, "fans_from.csv: people.csv: is empty, without so much as a heading"),
    "nobody": ("email\n", {}, "fans_from.csv: people.csv: has a heading, and nobody under it"),
    "too few cells": ("a,b\n1,2\n3\n", {}, "fans_from.csv: people.csv:3: 1 cells under 2 headings"),
    "two headings": ("a,a\n1,2\n", {}, "fans_from.csv: people.csv: two columns are called 'a'"),
    "a link's heading": (
        THREE,
        {"link": ["emial"]},
        'fans_from.link[0]: there is no column "emial" (did you mean "email"?)',
    ),
    "a secret's heading": (
        THREE,
        {"secret": ["pin"]},
        'fans_from.secret[0]: there is no column "pin" (there are email, password, Tier)',
    ),
    "a mapped heading": (
        THREE,
        {"row": {"mail": "Emial"}},
        'fans_from.row.mail: no column is headed "Emial" (did you mean "email"?)',
    ),
    "two of one name": (THREE, {"row": {"email": "Tier"}}, 'fans_from.row: two columns are called "email"'),
    "one e-mail twice": (
        "email\nA@x.org\nb@x.org\na@X.org\n",
        {"link": ["email"]},
        "fans_from.link[0]: people.csv:4: the email of line 2 again, and email is to tell fans apart"
        " (one row for each account, or leave it out of link)",
    ),
    "an empty link": (
        "email,x\na@x.org,1\n,2\n",
        {"link": ["email"]},
        "fans_from.link[0]: people.csv:3: has no email, and email is to link its fan",
    ),
    "a secret in the open": (
        "email,password\nanna@x.org,anna\n",
        {"link": ["email"]},
        "fans_from.link[0]: people.csv:2: its password stands in its email, which the recording must show"
        " (another password for that account)",
    ),
    "not UTF-8": (
        b"name\nJos\xe9\n",
        {},
        "fans_from.csv: people.csv: after 0 rows: it is not utf-8: 'utf-8' codec can't decode byte 0xe9 in position 8:"
        " invalid continuation byte (say encoding: cp1252, or what it is)",
    ),
}


@pytest.mark.parametrize(("text", "said", "complaint"), SPOILT.values(), ids=SPOILT)
def test_a_table_that_cannot_be_meant_is_refused(
    tmp_path: Path, text: str | bytes, said: dict[str, object], complaint: str
) -> None:
    """One line: the key or the file's line, what is wrong, and the nearest word."""
    with pytest.raises(UsageError) as error:
        load(tmp_path, text, **said)
    assert str(error.value) == complaint


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Its name as it was written, and where it is looked for."""
    with pytest.raises(UsageError, match=r"fans_from\.csv: gone\.csv: No such file .*in the target's folder"):
        read_accounts(FanData(csv="gone.csv"), tmp_path, "fans_from")


def test_more_fans_than_rows_are_refused(tmp_path: Path) -> None:
    """Both numbers are named; where the rows may go round there are always enough."""
    with pytest.raises(UsageError, match="1,200 fans come, and the file has 3 rows"):
        check_enough(load(tmp_path, THREE), 1200, "shop.yaml:4: fans_from")
    round_and_round = load(tmp_path, THREE, reuse=True)
    check_enough(round_and_round, 1200, "")
    assert round_and_round.of(4)["email"] == "bert@example.org"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.integers(1, 40), workers=st.integers(1, 7), reuse=st.booleans(), fans=st.integers(1, 60))
def test_any_number_of_workers_gives_a_fan_the_same_row(rows: int, workers: int, reuse: bool, fans: int) -> None:
    """Fan f of worker f % N is who it would be in a single process, also after the way to the worker."""
    cells = [f"{'ä' * (row % 3)}{column}{row}" for row in range(rows) for column in "ab"]
    ends, text = array("I"), b""
    for cell in cells:
        text += cell.encode()
        ends.append(len(text))
    whole = Accounts(("a", "b"), text, ends, reuse=reuse)
    fans = fans if reuse else min(fans, rows)
    whole = whole.first_rows(fans)
    shards = [pickle.loads(pickle.dumps(whole.shard(shard, workers))) for shard in range(workers)]
    for fan in range(fans):
        row = fan % min(rows, fans) if reuse else fan
        assert shards[fan % workers].of(fan) == {"a": cells[2 * row], "b": cells[2 * row + 1]}


def test_a_million_people_take_a_few_bytes_more_than_their_file() -> None:
    """Held as one text: twenty thousand rows of three cells cost less than twice their bytes."""
    text, ends = bytearray(), array("I")
    for row in range(20_000):
        for cell in (f"fan-{row:06}@example.org", f"password-{row:06}", "gold"):
            text += cell.encode()
            ends.append(len(text))
    tracemalloc.start()
    try:
        accounts = Accounts(("email", "password", "tier"), bytes(text), ends)
        half = accounts.shard(1, 2)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert half.of(19_999)["email"] == "fan-019999@example.org"
    assert held < 2 * len(text)


def opened(tmp_path: Path, target: str = TARGET, accounts: str = THREE) -> Accounts | None:
    (tmp_path / "shop.yaml").write_text(target)
    (tmp_path / "accounts.csv").write_text(accounts)
    found = open_target(str(tmp_path / "shop.yaml"), {}, environ={})
    located(found, compile_target)
    return accounts_of(found, 3)


REFUSED = {
    "an unknown column": (
        ("account.password", "account.pasword"),
        "7: journey[0].json.password: {account.pasword}: the file of fan data has no such column"
        ' (did you mean "password"?)',
    ),
    "an unknown column of a condition": (
        ("post: /login,", "post: /login, only: {var: {account.Tire: gold}},"),
        "7: journey[0].only.var.account.Tire: {account.Tire}: the file of fan data has no such column"
        ' (did you mean "Tier"?)',
    ),
    "a secret in what is recorded": (
        ("of {account.email}", "of {account.password}"),
        "5: mint.note: {account.password} is a secret, and this is recorded",
    ),
    "a mint of the same name": (
        ("mint: {note", 'mint: {account: "{uuid}", note'),
        "5: mint.account: account is the fan's row of fans_from (another name for what is minted)",
    ),
    "a mint called like a column": (
        ("mint: {note", 'mint: {account.email: "{uuid}", note'),
        "5: mint.account.email: account.email is called like a column of fans_from (another name)",
    ),
    "a step that takes it": (
        ("post: /login,", "post: /login, take: {account: {json: id}},"),
        "4: fans_from: step login takes account, which is the fan's row of this file"
        " (another name for what the step takes)",
    ),
    "no file at all": (
        ("fans_from: {csv: accounts.csv, link: [email]}\n", ""),
        "4: mint.note: {account.…} is a row of fan data (fans_from: {csv: accounts.csv})",
    ),
    "linked and reused": (
        ("link: [email]", "link: [email], reuse: true"),
        "4: fans_from.link: where rows go round an account is several fans', and links nothing to one of them"
        " (leave out link, or reuse)",
    ),
    "linked by a secret": (
        ("link: [email]", "link: [password]"),
        "4: fans_from.link[0]: password is a secret: it is not recorded, so nothing can link by it",
    ),
    "a sign of two": (
        ("link: [email]", "delimiter: ';;'"),
        "4: fans_from.delimiter: ';;' is not one sign",
    ),
    "only the account in a mint": (
        ("{intent} of {account.email}", "{account.email}"),
        "5: mint.note: '{account.email}' would be the same for every intent (put {intent}, {attempt} or {uuid} in it)",
    ),
}


@pytest.mark.parametrize(("change", "complaint"), REFUSED.values(), ids=REFUSED)
def test_a_target_that_misuses_its_people_is_refused(tmp_path: Path, change: tuple[str, str], complaint: str) -> None:
    """With the target's line, before anything is sent."""
    assert change[0] in TARGET
    with pytest.raises(UsageError) as error:
        opened(tmp_path, TARGET.replace(*change))
    assert str(error.value).removeprefix(f"{tmp_path}/shop.yaml:") == complaint


def test_the_target_s_secrets_know_the_passwords(tmp_path: Path) -> None:
    """A column whose name says so is hidden without being asked; others stay readable."""
    (tmp_path / "shop.yaml").write_text(TARGET)
    (tmp_path / "accounts.csv").write_text(THREE)
    found = open_target(str(tmp_path / "shop.yaml"), {}, environ={})
    accounts_of(found, 2)
    assert found.secrets.redact("anna@example.org: pa55-anna, pa55-cleo") == "anna@example.org: ***, pa55-cleo"


def test_thousands_of_secrets_are_hidden_as_fast_as_a_few() -> None:
    """The longest that begins somewhere goes whole, neighbours too; a thousand lines take no second."""
    secrets = Secrets(["${token}"])
    secrets.add_all(f"pass-{number}" for number in range(50_000))
    secrets.add_all(["tiny", "abc"])
    assert secrets.redact("a pass-4999pass-5 tinytin abc ${token}") == "a ****** ***tin abc ***"
    assert len(secrets) == 50_002
    begun = time.process_time()
    for _ in range(1_000):
        secrets.redact('{"t":"done","attempt":"r-12.0.3","outcome":"ok","why":"next","sent_ns":123,"done_ns":456}')
    assert time.process_time() - begun < 1
