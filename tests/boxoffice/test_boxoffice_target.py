"""The shop's target file says of its books what is really in them."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import msgspec

from surgectl.profile.load import load_target
from surgectl.profile.source import Column
from surgectl.stage.boxoffice.rows import HoldState, OrderState
from surgectl.stage.places import Places
from surgectl.stage.settings import Settings
from tests.boxoffice.street import Money, open_shop

HERE = Path(__file__).resolve().parents[2]
STAGE = Places(shop=1, payments=2, control=3, identity=4, stage="").variables(Settings())


async def test_every_mapped_column_is_in_the_books(money: Money, tmp_path: Path) -> None:
    """Each column and key that the evidence mappings name exists in the rows that the shop gives out."""
    target = load_target(HERE / "profiles/targets/boxoffice.yaml", STAGE)
    async with open_shop(money.url, tmp_path / "books") as shop:
        assert (await shop.buy("ada@example.org"))["state"] == "confirmed"
        for kind, source in target.evidence.items():
            if source.http is None or source.http.get is None or source.http.origin is not None:
                continue  # the provider's books are not the shop's
            _, body, _ = await shop.ask("GET", source.http.get)
            row = body[source.http.rows][0] if source.http.rows else body
            named = [column.from_ if isinstance(column, Column) else str(column) for column in source.row.values()]
            assert set(named) | set(source.key) <= set(row), kind
            if source.http.offset:
                assert body[source.http.offset.total] == 1


def test_the_seat_maps_target_is_the_same_shop() -> None:
    """Only what a fan does between line and till differs, and that the stage puts up a map."""
    plain = load_target(HERE / "profiles/targets/boxoffice.yaml", STAGE)
    on_map = load_target(HERE / "profiles/targets/boxoffice-seats.yaml", STAGE)
    differ = {name for name in plain.__struct_fields__ if getattr(plain, name) != getattr(on_map, name)}
    assert differ == {"name", "about", "stage", "journey", "probes"}
    assert [step.step for step in on_map.journey] == ["page", "join", "map", "block", "hold", "pay"]
    assert [step for step in on_map.journey if step.step in ("page", "join", "pay")] == [
        step for step in plain.journey if step.step != "hold"
    ]


def test_the_pushing_target_is_the_same_shop() -> None:
    """Only how a fan waits in line differs: two steps take turns, and send what the plain one sends."""
    plain = load_target(HERE / "profiles/targets/boxoffice.yaml", STAGE)
    pushed = load_target(HERE / "profiles/targets/boxoffice-push.yaml", STAGE)
    differ = {name for name in plain.__struct_fields__ if getattr(plain, name) != getattr(pushed, name)}
    assert differ == {"name", "about", "journey"}
    assert [step.step for step in pushed.journey] == ["page", "join", "join-socket", "hold", "pay"]
    joins = [step for step in pushed.journey if step.role == "join"]
    waits = [step.await_ for step in joins]
    assert [wait is not None and (wait.sse is None, wait.ws is None) for wait in waits] == [
        (False, True),
        (True, False),
    ]
    for step in joins:
        asks = msgspec.structs.replace(step, step="join", only=None, await_=None, poll=plain.journey[1].poll)
        assert asks == plain.journey[1]
    assert [step for step in pushed.journey if step.role != "join"] == [
        step for step in plain.journey if step.role != "join"
    ]


def test_every_state_of_the_books_is_mapped() -> None:
    """An unknown state would be an error of the audit: the file names each one that the shop can write, once."""
    target = load_target(HERE / "profiles/targets/boxoffice.yaml", STAGE)
    mapped = {
        kind: sorted(word for words in source.states.values() for word in words)
        for kind, source in target.evidence.items()
    }
    assert mapped["orders"] == sorted(get_args(OrderState))
    assert mapped["holds"] == sorted(get_args(HoldState))
    assert mapped["tickets"] == ["valid", "void"]
