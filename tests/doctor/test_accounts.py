"""The table of people: whether there are enough of them, and whether each row holds what is asked of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from surgectl.doctor.accounts import look_at_accounts, used
from surgectl.doctor.checkup import Checkup
from surgectl.errors import UsageError
from surgectl.profile.accounts import Accounts, read_accounts
from surgectl.profile.target import Target
from tests.doctor.patients import BUYS, patient, plan, said, shop, wrong

TABLE = "email,pin,tier\nanna@x.org,1234,a\nbert@x.org,5678,a\ncarl@x.org,9012,b\n"


def members(text: str = TABLE, *, folder: Path, more: dict[str, object] | None = None) -> tuple[Target, Path]:
    (folder / "people.csv").write_text(text)
    data = {"csv": "people.csv", "secret": ["pin"], **(more or {})}
    buys = {**BUYS, "json": {"email": "{account.email}", "pin": "{account.pin}"}}
    return shop(fans_from=data, journey=[buys]), folder


def looked(target: Target, folder: Path, fans: int | None = None) -> list[Checkup]:
    def people() -> Accounts:
        assert target.fans_from is not None
        return read_accounts(target.fans_from, folder, "fans_from")

    return look_at_accounts(patient(target, folder, people=people, plan=None if fans is None else plan(fans)))


def test_a_crowd_larger_than_the_table(tmp_path: Path) -> None:
    """To be put right, with both numbers; where rows go round it is only worth knowing."""
    found = looked(*members(folder=tmp_path), fans=2_000)
    verdict, told = said(found, "crowd")
    assert wrong(found) == ["crowd"] and "fans come, and the file has 3 rows" in told and "reuse: true" in told
    round_and_round = looked(*members(folder=tmp_path, more={"reuse": True}), fans=2_000)
    assert wrong(round_and_round) == [] and said(round_and_round, "crowd")[0] == "note"


def test_a_table_in_order(tmp_path: Path) -> None:
    """As many rows as fans, every cell filled, nobody twice: three times ok, and no cell is shown."""
    rows = "".join(f"fan-{n}@x.org,pin-{n}\n" for n in range(plan(50).fans_total))
    found = looked(*members(f"email,pin\n{rows}", folder=tmp_path), fans=50)
    assert [one.verdict for one in found] == ["pass", "pass"]
    assert said(found, "table")[1].endswith("columns that the requests name: email, pin")
    assert "pin-7" not in str(found) and "fan-7" not in str(found)


def test_without_a_profile_the_number_is_named(tmp_path: Path) -> None:
    """How many fans come nobody has said: so many it is enough for."""
    found = looked(*members(folder=tmp_path))
    assert said(found, "crowd") == ("pass", "enough for 3 fans at most; how many come is in the profile")


def test_cells_that_are_empty(tmp_path: Path) -> None:
    """Counted by column, with the first row; a column that no request names may be as empty as it likes."""
    found = looked(*members("email,pin,tier\na@x.org,1,\nb@x.org,,\nc@x.org, ,\n", folder=tmp_path))
    assert said(found, "empty pin")[0] == "note"
    assert said(found, "empty pin")[1].startswith("2 rows without pin; the first: row 2 below the headings")
    assert not [one for one in found if one.name in ("empty tier", "empty email")]


def test_rows_that_are_one_customer(tmp_path: Path) -> None:
    """Two rows alike in all that is asked of them; the same tier is nothing."""
    found = looked(*members("email,pin,tier\na@x.org,1,x\nb@x.org,1,x\na@x.org,1,y\n", folder=tmp_path))
    assert said(found, "the same twice")[1].startswith("1 row is an earlier one again; the first: row 3 is row 1")
    assert not [one for one in looked(*members(folder=tmp_path)) if one.name == "the same twice"]


def test_what_lies_behind_the_crowd_is_nobodys_business(tmp_path: Path) -> None:
    """Rows that no fan of the profile will be are not looked at."""
    enough = plan(50).fans_total
    rows = "".join(f"fan-{n}@x.org,pin-{n}\n" for n in range(enough)) + "fan-1@x.org,pin-1\n,\n"
    assert [one.verdict for one in looked(*members(f"email,pin\n{rows}", folder=tmp_path), fans=50)] == ["pass"] * 2


@pytest.mark.parametrize(
    ("text", "more", "words"),
    [
        ("email,pin\n", {}, "nobody under it"),
        ("email,pin\na@x.org,1\na@x.org,2\n", {"link": ["email"]}, "email of line 2 again"),
        ("email,pin\n,1\n", {"link": ["email"]}, "has no email"),
        (TABLE, {"row": {"mail": "E-mail"}}, 'no column is headed "E-mail"'),
        (TABLE, {"csv": "nobody.csv"}, "nobody.csv"),
    ],
)
def test_a_table_that_cannot_be_meant(tmp_path: Path, text: str, more: dict[str, object], words: str) -> None:
    """To be put right, in the words of whoever refuses it; the rest of the examination goes on."""
    found = looked(*members(text, folder=tmp_path, more=more))
    assert wrong(found) == ["table"] and words in said(found, "table")[1]


def test_a_file_that_nobody_has_named_yet(tmp_path: Path) -> None:
    """Not looked at is unknown, never ok."""
    target, folder = members(folder=tmp_path, more={"csv": "${ACCOUNTS}"})
    assert [(one.name, one.verdict) for one in looked(target, folder)] == [("table", "unknown")]
    assert look_at_accounts(patient(shop())) == []


def test_a_column_that_is_missing_is_said_by_whoever_reads_it(tmp_path: Path) -> None:
    """The command line knows which requests ask for what; its complaint is a thing to put right."""

    def people() -> Accounts:
        raise UsageError("{account.pim}: the file of fan data has no such column", where="shop.yaml:9", hint="pin?")

    target, folder = members(folder=tmp_path)
    found = look_at_accounts(patient(target, folder, people=people))
    assert wrong(found) == ["table"] and found[0].where == "shop.yaml:9" and "-> pin?" in said(found, "table")[1]


def test_the_columns_that_anything_names(tmp_path: Path) -> None:
    """Journey, logins and mints alike, each once."""
    assert used(members(folder=tmp_path)[0]) == ["email", "pin"]
