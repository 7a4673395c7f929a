"""A list of rehearsals says what it means, or says on which line it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from surgectl.errors import UsageError
from surgectl.profile import lookup
from surgectl.profile.kind import kind_of
from surgectl.profile.load import load_rehearsal
from surgectl.profile.readiness import is_readiness, open_readiness
from tests.docs.pages import ROOT, after

GOOD = """surgectl: 1
name: nightly
about: Two of them.
rehearsals:
  - {profile: smoke, why: "Does it stand?"}
  - {profile: ./beside.yaml, set: {sale.tickets: 10, SHOP_URL: "http://127.0.0.1:9"}}
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a list and a profile beside it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "beside.yaml").write_text((lookup.shipped() / "smoke.yaml").read_text())
    return tmp_path


def complaint(desk: Path, text: str) -> str:
    (desk / "list.yaml").write_text(text)
    with pytest.raises(UsageError) as refused:
        open_readiness("list.yaml")
    return str(refused.value)


def test_a_list_names_profiles_beside_it_and_by_name(desk: Path) -> None:
    """Names are looked up as everywhere, paths from the list's own folder; numbers of `set` are text."""
    (desk / "list.yaml").write_text(GOOD)
    opened = open_readiness("list.yaml")
    assert [file.name for file in opened.files] == ["smoke.yaml", "beside.yaml"]
    assert opened.readiness.rehearsals[1].sets == {"sale.tickets": "10", "SHOP_URL": "http://127.0.0.1:9"}
    assert kind_of(Path("list.yaml")) == "readiness"
    assert is_readiness("list.yaml")
    assert not is_readiness("smoke")
    assert not is_readiness("no-such-thing")


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        (
            "profile: smoke",
            "profile: smock",
            'list.yaml:5: rehearsals[0].profile: no such profile: "smock" (did you mean',
        ),
        ("profile: smoke", "profil: smoke", "list.yaml:5: rehearsals[0].profil: unknown key"),
        ("./beside.yaml", "./away.yaml", "list.yaml:6: rehearsals[1].profile: no such profile"),
        (
            "sale.tickets",
            "sail.tickets",
            "list.yaml:6: rehearsals[1].set.sail.tickets: --set sail.tickets=10: a profile",
        ),
        ("sale.tickets: 10", "sale.tickets: true", "list.yaml:6"),
        ("profile: smoke", "profile: readiness", "is a list of rehearsals itself"),
        ("surgectl: 1", "surgectl: 2", "was written for a newer surgectl"),
        ("name: nightly", 'name: " "', "list.yaml:2: name: is empty"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(desk: Path, good: str, bad: str, said: str) -> None:
    """Before anything is sent."""
    assert good in GOOD
    assert said in complaint(desk, GOOD.replace(good, bad, 1))


def test_an_empty_list_is_none(desk: Path) -> None:
    """Nothing to rehearse is nothing shown."""
    assert "0 rehearsals" in complaint(desk, "surgectl: 1\nname: x\nrehearsals: []\n")


def test_a_list_is_no_single_profile(desk: Path) -> None:
    """Who wants one rehearsal is told that this is a list."""
    (desk / "list.yaml").write_text(GOOD)
    with pytest.raises(UsageError, match=r"list\.yaml:4: rehearsals: this is a list"):
        load_rehearsal("list.yaml")


def test_the_shipped_list_is_the_three_that_every_review_asks_for() -> None:
    """Peak load, payment brownout, failover: each with the question that it answers."""
    readiness = open_readiness("readiness").readiness
    assert [part.profile for part in readiness.rehearsals] == ["peak-load", "payment-brownout", "failover"]
    assert all(part.why.endswith("?") for part in readiness.rehearsals)


def test_the_list_of_the_docs_is_one(desk: Path) -> None:
    """docs/readiness.md shows a list that loads, once its own profile lies beside it."""
    (desk / "our-brownout.yaml").write_text((desk / "beside.yaml").read_text())
    (desk / "list.yaml").write_text(after("readiness", (ROOT / "docs/readiness.md").read_text("utf-8")))
    parts = open_readiness("list.yaml").readiness.rehearsals
    assert parts[0].sets == {"load[1].rate": "60/s", "sale.tickets": "1200"}
