"""What a good file means: plain words, variables, precedence, and where things are found."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgectl import plugins
from surgectl.errors import UsageError
from surgectl.profile import lookup
from surgectl.profile.kind import kind_of
from surgectl.profile.load import load_rehearsal, load_retry_profile, load_target, open_rehearsal, open_target
from surgectl.profile.node import BadFile, Place, Scalar
from surgectl.profile.overlay import split_sets
from surgectl.profile.reading import plain_data
from surgectl.profile.retry import RetryProfile
from surgectl.profile.substitute import Secrets
from surgectl.profile.values import Duration, Money, Rate, Share
from surgectl.profile.yaml import meaning, parse
from tests.profile.desk import PROFILE, TARGET, Desk


def plain(text: str) -> object:
    return meaning(Scalar(text, Place("x", 1)))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("12", 12),
        ("-3", -3),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("", None),
        ("~", None),
        ("null", None),
        *((word, word) for word in ("yes", "no", "on", "off", "Y", "n")),
        *((word, word) for word in ("1:30", "2026-08-01", "007", "0x1f", "0o17", "1_000", ".inf", ".nan", "1e999")),
        *((word, word) for word in (".", "-", "e5", "+", "1.2.3")),
    ],
)
def test_plain_words_mean_what_they_look_like(text: str, value: object) -> None:
    """Only true/false are booleans, only plain decimal numbers are numbers; YAML 1.1's surprises are text."""
    assert plain(text) == value
    assert type(plain(text)) is type(value)


def test_quoted_text_stays_text() -> None:
    """A quoted number is text: a PIN, an order number."""
    assert meaning(Scalar("007", Place("x", 1), plain=False)) == "007"
    assert meaning(Scalar("7", Place("x", 1), plain=False)) == "7"


@given(st.text(max_size=200))
def test_any_text_is_a_tree_or_one_kind_of_error(text: str) -> None:
    """Whatever is written, the reader answers with a tree or BadFile, never with another exception."""
    try:
        parse(text, "x")
    except BadFile as error:
        assert "\n" not in str(error)


@given(
    st.recursive(
        st.integers(-(2**63), 2**64) | st.text("ab:-#'\"{}[]&*!|> \n", max_size=8), lambda x: st.lists(x, max_size=3)
    )
)
def test_any_json_is_read_back(value: object) -> None:
    """JSON is YAML: whatever is written as JSON is read as it was."""
    tree = parse(msgspec.json.encode(value).decode(), "x")
    assert tree is not None
    assert plain_data(tree) == value


def test_values_carry_their_unit(desk: Desk) -> None:
    """Durations are nanoseconds, rates per second, shares parts of one, money minor units."""
    rehearsal = load_rehearsal("drop.yaml", environ={})
    assert rehearsal.sale.price == Money(8900, "EUR")
    assert rehearsal.load[0].rate == Rate(20)
    assert rehearsal.load[1].half_life == Duration(5 * 10**9)
    assert rehearsal.fans == {"patient": Share(0.7), "masher": Share(0.3)}
    assert isinstance(rehearsal.load[0].for_, Duration)
    assert rehearsal.sale.wants == {1: Share(0.6), 2: Share(0.4)}
    assert rehearsal.expect.coverage == {"payments_in_fault": "30%", "lost_replies": 1}


def test_json_bodies_keep_their_types(desk: Desk) -> None:
    """A quoted number in a request body stays text."""
    target = load_target("targets/shop.yaml", {}, environ={})
    assert target.journey[0].json == {"qty": "{qty}", "note": "007"}
    assert target.journey[1].outcomes is not None


def test_a_bare_number_is_itself_where_a_column_may_stand(desk: Desk) -> None:
    """`row: {qty: 1}` is one ticket a row; `"1"` in quotes is a column of that name."""
    desk.write_target(
        TARGET.replace("    states: {valid: [con", '    row: {qty: 1, amount: "1"}\n    states: {valid: [con'),
    )
    target = load_target("targets/shop.yaml", {}, environ={})
    assert (target.evidence["orders"].row["qty"], target.evidence["orders"].row["amount"]) == (1, "1")


def test_variables_come_from_flags_before_the_environment(desk: Desk) -> None:
    """What was handed over wins, then the environment, then the file's own fallback."""
    assert load_target("targets/shop.yaml", {}, environ={}).base_url == "http://127.0.0.1:8000"
    environ = {"SHOP_URL": "http://127.0.0.1:2"}
    assert load_target("targets/shop.yaml", {}, environ=environ).base_url == "http://127.0.0.1:2"
    given_ = {"SHOP_URL": "http://127.0.0.1:1"}
    assert load_target("targets/shop.yaml", given_, environ=environ).base_url == "http://127.0.0.1:1"


def test_a_value_from_outside_cannot_change_the_structure(desk: Desk) -> None:
    """A secret with YAML's own signs in it is still one value."""
    desk.write_target(TARGET.replace("name: shop", "name: shop\nheaders: {X-Key: '${API_KEY}'}"))
    target = load_target("targets/shop.yaml", {}, environ={"API_KEY": "a: {b}\n# ${NOT}"})
    assert target.headers == {"X-Key": "a: {b}\n# ${NOT}"}


def test_two_dollars_stand_for_one(desk: Desk) -> None:
    """`$${NAME}` is left as `${NAME}` for whoever reads it next."""
    desk.write_target(TARGET.replace("name: shop", "name: shop\nheaders: {X-Key: '$${API_KEY}'}"))
    assert load_target("targets/shop.yaml", {}, environ={}).headers == {"X-Key": "${API_KEY}"}


def test_values_from_the_environment_are_redacted(desk: Desk) -> None:
    """What came from the environment, or is called a key, never shows; the stage's own addresses do."""
    desk.write_target(TARGET.replace("name: shop", "name: shop\nheaders: {A: '${API_KEY}', B: '${PLAIN}', C: '${W}'}"))
    opened = open_target(
        "targets/shop.yaml", {"PLAIN": "floor-seats", "API_KEY": "sk_1234"}, environ={"W": "from-outside"}
    )
    shown = opened.secrets.redact("sk_1234 sends floor-seats and from-outside")
    assert shown == "*** sends floor-seats and ***"
    assert "sk_1234" not in repr(opened.tree)


def test_a_longer_secret_is_hidden_whole() -> None:
    """A secret that begins with another one leaves no rest standing."""
    secrets = Secrets(["pass", "password", "x"])
    assert secrets.redact("password pass x") == "*** *** x"


def test_unset_variables_may_wait_for_the_stage(desk: Desk) -> None:
    """`plan` and `check` look at a target whose addresses only the stage will know."""
    desk.write_target(TARGET.replace("${SHOP_URL:-http://127.0.0.1:8000}", "${SHOP_URL}"))
    opened = open_target("targets/shop.yaml", {}, environ={}, keep_unset=True)
    assert opened.unset == ("SHOP_URL",)
    assert opened.target.base_url == "${SHOP_URL}"


def test_flags_win_over_the_environment_over_the_profile(desk: Desk) -> None:
    """defaults < profile < SURGECTL_* < flags."""
    assert load_rehearsal("drop.yaml", environ={}).seed is None
    desk.write(PROFILE + "seed: 1\n")
    assert load_rehearsal("drop.yaml", environ={}).seed == 1
    environ = {"SURGECTL_SEED": "2", "SURGECTL_SETTLE__AT_MOST": "7s", "SURGECTL_DEBUG": "1"}
    opened = open_rehearsal("drop.yaml", environ=environ)
    assert (opened.rehearsal.seed, opened.rehearsal.settle.at_most) == (2, Duration(7 * 10**9))
    opened = open_rehearsal("drop.yaml", environ=environ, seed=3, sets={"settle.at_most": "8s", "load[1].fans": "9"})
    assert (opened.rehearsal.seed, opened.rehearsal.settle.at_most) == (3, Duration(8 * 10**9))
    assert opened.rehearsal.load[1].fans == 9


def test_set_tells_settings_from_variables() -> None:
    """A key of the profile is a setting; any other name is a variable of the target."""
    assert split_sets(["settle.at_most=9s", "SHOP_URL=http://x?a=b", "seed=4", "load[0].fans=3"]) == (
        {"settle.at_most": "9s", "seed": "4", "load[0].fans": "3"},
        {"SHOP_URL": "http://x?a=b"},
    )


def test_a_profile_lays_promises_and_stage_over_the_target(desk: Desk) -> None:
    """The profile's `promises` and `stage` replace single keys; a shop without a stage ignores the stage's."""
    desk.write(PROFILE + "promises: {hold_ttl: 3s}\nstage: {workers: 5}\n")
    opened = open_rehearsal("drop.yaml", environ={})
    target = load_target("targets/shop.yaml", environ={}, over=opened)
    assert target.promises.hold_ttl == Duration(3 * 10**9)
    assert target.promises.payment_tries == 3
    assert target.stage == {"use": "boxoffice", "workers": 5}
    desk.write_target(TARGET.replace("stage: {use: boxoffice}\n", ""))
    assert load_target("targets/shop.yaml", environ={}, over=opened).stage is None


def test_a_wrong_promise_is_blamed_on_the_file_that_made_it(desk: Desk) -> None:
    """An overlaid value keeps its own file and line."""
    desk.write(PROFILE + "promises: {hold_ttl: 3}\n")
    opened = open_rehearsal("drop.yaml", environ={})
    said = desk.complaint(lambda: load_target("targets/shop.yaml", environ={}, over=opened))
    assert said == "drop.yaml:17: promises.hold_ttl: 3 has no unit (try 3s or 3ms)"


def test_a_target_is_found_beside_the_profile_and_a_flag_from_here(desk: Desk) -> None:
    """`target:` is relative to the profile's file, `--target` to the working directory."""
    inner = desk.folder / "inner"
    inner.mkdir()
    (inner / "drop.yaml").write_text(PROFILE.replace("targets/shop.yaml", "../targets/shop.yaml"))
    assert open_rehearsal("inner/drop.yaml", environ={}).target_file == Path("inner/../targets/shop.yaml")
    opened = open_rehearsal("inner/drop.yaml", target="targets/shop.yaml", environ={})
    assert opened.target_file == Path("targets/shop.yaml")


def test_a_name_is_looked_for_here_and_then_among_the_shipped(desk: Desk) -> None:
    """A bare name means ./profiles/NAME.yaml before the profile that surgectl brings."""
    assert open_rehearsal("smoke", environ={}).file == lookup.shipped() / "smoke.yaml"
    (desk.folder / "profiles").mkdir()
    (desk.folder / "profiles" / "smoke.yaml").write_text(PROFILE.replace("targets/shop", "../targets/shop"))
    assert open_rehearsal("smoke", environ={}).rehearsal.name == "drop"


def test_files_are_known_by_their_content(desk: Desk) -> None:
    """`check` asks no one what kind of file it was given."""
    assert kind_of(Path("drop.yaml")) == "profile"
    assert kind_of(Path("targets/shop.yaml")) == "target"
    assert kind_of(lookup.shipped() / "fans" / "bot.yaml") == "fan"


SHIPPED_FANS = ["patient", "masher", "multitab", "doubleclick", "backbutton", "sdk", "bot"]


@pytest.mark.parametrize("name", SHIPPED_FANS)
def test_the_shipped_fans_admit_that_they_are_assumptions(name: str) -> None:
    """Every shipped retry profile loads, quits some day, and says that it is an assumption."""
    retry = load_retry_profile(name)
    assert "assumption" in retry.about.lower()
    assert retry.quits is not None
    assert {"info", "shed"} <= set(retry.react["pay"])


def test_the_shipped_fans_differ_where_it_is_dangerous() -> None:
    """Only the back button pays again with a new key after silence; the SDK keeps its key and honours Retry-After."""
    fans = {name: load_retry_profile(name) for name in SHIPPED_FANS}
    assert [name for name, fan in fans.items() if fan.react["pay"]["info"].key == "fresh"] == ["backbutton"]
    assert fans["sdk"].react["pay"]["shed"].retry_after == "honour"
    assert fans["bot"].react["pay"]["shed"].retry_after == "ignore"
    assert [name for name, fan in fans.items() if fan.double > 0] == ["doubleclick"]


class Offer:
    """An installed entry point, as importlib.metadata shows it."""

    def __init__(self, name: str, value: str, made: object) -> None:
        self.name, self.value, self.dist, self._made = name, value, None, made

    def load(self) -> object:
        return self._made


def offering(monkeypatch: pytest.MonkeyPatch, *offers: Offer) -> None:
    def entry_points(*, group: str, name: str | None = None) -> list[Offer]:
        return [offer for offer in offers if group == "surgectl.fans" and name in (None, offer.name)]

    monkeypatch.setattr("surgectl.plugins.metadata.entry_points", entry_points)


def test_a_retry_profile_may_come_from_a_package(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point of `surgectl.fans` is used where no file has the name."""
    offering(monkeypatch, Offer("ghost", "pkg:ghost", lambda: RetryProfile(name="ghost")))
    desk.write(PROFILE.replace("masher: 30%", "ghost: 30%"))
    assert open_rehearsal("drop.yaml", environ={}).retries["ghost"].name == "ghost"
    desk.write(PROFILE.replace("masher: 30%", "ghosst: 30%"))
    assert 'did you mean "ghost"?' in desk.complaint()


def test_two_packages_with_one_name_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clash is not decided by the order of installation."""
    offering(monkeypatch, Offer("ghost", "a:ghost", list), Offer("ghost", "b:ghost", list))
    with pytest.raises(UsageError, match='"ghost" is offered by a:ghost, b:ghost'):
        plugins.load("surgectl.fans", "ghost")
    with pytest.raises(UsageError, match="nobody|there is no"):
        plugins.require("surgectl.fans", "nobody")


@pytest.mark.parametrize("written", ["${DB_ADDR:-}", '"${DB_ADDR:-}"'])
def test_a_link_to_nowhere_is_not_there(desk: Desk, written: str) -> None:
    """An upstream that nobody names leaves the link out, whether it is written in quotes or not."""
    links = f'links:\n  payments: {{upstream: "127.0.0.1:9100"}}\n  database:\n    upstream: {written}'
    desk.write_target(TARGET.replace('links: {payments: {upstream: "127.0.0.1:9100"}}', links))
    assert set(open_target("targets/shop.yaml", {}, environ={}).target.links) == {"payments"}
    opened = open_target("targets/shop.yaml", {"DB_ADDR": "127.0.0.1:5432"}, environ={})
    assert opened.target.links["database"].upstream == "127.0.0.1:5432"
