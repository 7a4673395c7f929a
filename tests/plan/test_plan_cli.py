"""`surgectl plan` and `surgectl check`, as a person and as a script sees them."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner, Result

from surgectl.cli.check import check
from surgectl.cli.plan import plan
from surgectl.cli.prepare import Wishes, prepare, terms_of
from surgectl.errors import UsageError
from tests.profile.desk import PROFILE, TARGET, Desk

ROOT = Path(__file__).resolve().parents[2]

app = typer.Typer()
app.command()(plan)
app.command()(check)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path)


def run(*args: str, columns: int = 80, **env: str) -> Result:
    shown = CliRunner().invoke(app, args, env={"COLUMNS": str(columns), **env})
    if shown.exception and not isinstance(shown.exception, SystemExit):
        raise shown.exception
    return shown


class Told(msgspec.Struct):
    """The promised keys of `plan --json`."""

    digest: str
    seed: int
    fans: int
    peak_rate_per_s: float
    duration_s: float
    phases: list[dict[str, object]]
    chaos: list[dict[str, object]]
    crowd: dict[str, dict[str, float]]
    settling: dict[str, object]
    settings: list[dict[str, str]]


def told(*args: str, **env: str) -> Told:
    return msgspec.json.decode(run("plan", "drop.yaml", "--json", *args, **env).output, type=Told)


def test_the_digest_is_the_same_twice_and_over_any_shards(desk: Desk) -> None:
    """A plan is named by profile and seed, not by when or how it was computed."""
    digests = {told("--shards", str(shards)).digest for shards in (1, 1, 2, 7)}
    assert len(digests) == 1
    assert told("--seed", "99").digest not in digests


def test_the_json_holds_the_plan(desk: Desk) -> None:
    """Numbers carry their unit in the name; origins say who decided."""
    plan = told("--seed", "5", "--set", "settle.at_most=3s", SURGECTL_SALE__TICKETS="77")
    assert (plan.seed, plan.fans, plan.duration_s) == (5, 2100, 25.0)
    assert plan.crowd["masher"] == {"share": 0.3, "fans": 630}
    assert plan.chaos[0] == {
        "fault": "0",
        "link": "payments",
        "brownout": "lost-reply",
        "from_s": 9.0,
        "to_s": 21.0,
        "left_out": False,
    }
    assert plan.settling["enough"] is False
    origins = {setting["path"]: (setting["value"], setting["origin"]) for setting in plan.settings}
    assert origins["seed"] == ("5", "flag --seed")
    assert origins["settle.at_most"] == ("3s", "flag --set settle.at_most")
    assert origins["sale.tickets"] == ("77", "environment SURGECTL_SALE__TICKETS")
    assert origins["sale.price"] == ("89.00 EUR", "profile:4")
    assert origins["load[1].half_life"] == ("5s", "profile:7")
    assert origins["generator.late_at_most"] == ("1s", "default")
    assert origins["generator.behind"] == ("drop", "default")
    assert origins["target.promises.hold_ttl"] == ("20s", "target:5")
    assert origins["target.promises.webhook_delay"] == ("0s", "default")


def test_secrets_are_not_among_the_settings(desk: Desk) -> None:
    """What came from the environment is shown as stars."""
    shown = told(SHOP_URL="http://127.0.0.1:4242")
    assert "4242" not in str(shown)
    assert {s["path"]: s["value"] for s in shown.settings}["target.base_url"] == "***"


@pytest.mark.parametrize("columns", [80, 120])
def test_the_picture_fits_and_lines_up(desk: Desk, columns: int) -> None:
    """No line is wider than the terminal, and the fault stands under the seconds it takes."""
    lines = run("plan", "drop.yaml", columns=columns).output.splitlines()
    assert max(map(len, lines)) <= columns
    assert "\x1b" not in "".join(lines)
    axis = next(n for n, line in enumerate(lines) if "└" in line)
    first = lines[axis].index("└") + 1
    ticks, phases, fault = lines[axis + 1], lines[axis + 2], lines[axis + 3]
    width = columns - first
    assert ticks.index("0s") == first
    assert abs(phases.index("▏on-sale") - first - width * 5 / 25) <= 1
    bar = re.search(r"░.*lost-reply.*░", fault)
    assert fault.lstrip().startswith("payments")
    assert bar is not None
    assert abs(bar.start() - first - width * 9 / 25) <= 1
    assert abs(bar.end() - first - width * 21 / 25) <= 1


def test_a_window_too_long_is_said_beforehand(desk: Desk) -> None:
    """Whoever settles for less than the shop needs learns what will end unknown."""
    output = " ".join(run("plan", "drop.yaml", "--set", "settle.at_most=3s").output.split())
    assert "longer than settle.at_most 3s: what is still pending then ends unknown (CHARGED_NO_TICKET" in output


def test_a_load_that_ends_before_the_fault_is_remarked_on(desk: Desk) -> None:
    """Recovery needs load after the fault."""
    assert "load must outlive" not in run("plan", "drop.yaml").output
    desk.write(PROFILE.replace("for: 12s", "for: 90s"))
    assert "load must outlive" in " ".join(run("plan", "drop.yaml").output.split())


def test_check_says_what_can_be_proved(desk: Desk) -> None:
    """Evidence that a target cannot give costs invariants, by name."""
    output = " ".join(run("check", "drop.yaml").output.split())
    assert "ok profile drop" in output
    assert "can prove: OVERSELL, GHOST, LOST_TICKET, DUPORDER, LIMIT" in output
    assert "no tickets, which costs: SEAT2" in output
    assert "no charges, which costs: DUPCHARGE, CHARGED_NO_TICKET" in output
    assert "of money, DUPCHARGE, CHARGED_NO_TICKET" in output


def test_check_knows_a_file_by_its_content(desk: Desk) -> None:
    """A target and a retry profile are checked as what they are."""
    assert run("check", "targets/shop.yaml").output.startswith("ok target shop")
    assert run("check", "backbutton").output.startswith("ok retry profile backbutton")
    with pytest.raises(UsageError, match=r"odd.yaml:1: is neither a profile nor a target"):
        (desk.folder / "odd.yaml").write_text("a: 1\n")
        run("check", "odd.yaml")


def test_check_compiles_the_journey(desk: Desk) -> None:
    """What only compiling can tell, such as a rule that leads nowhere, is found with its line."""
    desk.write_target(TARGET.replace("then: next", "then: goto nowhere"))
    with pytest.raises(UsageError, match=r"^targets/shop.yaml:12: journey\[0\]"):
        run("check", "drop.yaml")


def test_check_prints_a_schema() -> None:
    """Editors get JSON Schema for each kind of file."""
    for kind in ("profile", "target", "fan"):
        assert b"2020-12" in msgspec.json.encode(msgspec.json.decode(run("check", "--schema", kind).output))


def test_what_the_shop_would_refuse_is_refused_with_the_profile(tmp_path: Path) -> None:
    """A lottery without a pre-queue is one line and exit 2 of `run`, not a shop that does not start."""
    smoke = (ROOT / "profiles/smoke.yaml").read_text("utf-8").replace("targets/", f"{ROOT}/profiles/targets/")
    profile = tmp_path / "lottery.yaml"
    profile.write_text(smoke.replace("order: fifo", "order: lottery"), "utf-8")
    with pytest.raises(UsageError, match="there is no pre-queue"):
        prepare(Wishes(profile=str(profile)))
    profile.write_text(profile.read_text("utf-8").replace("stage: {", "stage: {prequeue: 1s, "), "utf-8")
    assert terms_of(prepare(Wishes(profile=str(profile)))).order == "lottery"
