"""Each kind of bad input gets one clear line: file, line, path, what, and what to try."""

from __future__ import annotations

from pathlib import Path

import pytest

from surgectl.errors import UsageError
from surgectl.profile.load import load_rehearsal, load_retry_profile, open_rehearsal, open_target
from surgectl.profile.overlay import split_sets
from tests.profile.desk import PROFILE, TARGET, Desk

# what is replaced, by what, the complaint
SPOILT = {
    "unknown key": ("at_most: 60s", "at_mots: 60s", '12: settle.at_mots: unknown key (did you mean "at_most"?)'),
    "unknown key, top": ("settle:", "setle:", '12: setle: unknown key (did you mean "settle"?)'),
    "duplicate key": ("name: drop", "name: drop\nname: two", "3: name: this key stands twice (first on line 2)"),
    "duplicate key, inline": (
        "limit: 4,",
        "limit: 4, limit: 5,",
        "4: sale.limit: this key stands twice (first on line 4)",
    ),
    "missing unit": ("for: 5s", "for: 5", "6: load[0].for: 5 has no unit (try 5s or 5ms)"),
    "missing unit of a rate": ("rate: 20/s, for", "rate: 20, for", "6: load[0].rate: 20 has no unit (try 20/s)"),
    "missing currency": ("89.00 EUR", "89.00", "4: sale.price: 89.00 has no unit (try 89.00 EUR)"),
    "finer than a cent": ("89.00 EUR", "89.001 EUR", "4: sale.price: 89.001 is not a whole number of EUR minor units"),
    "negative rate": ("rate: 20/s, for", "rate: -20/s, for", "6: load[0].rate: -20/s: a rate cannot be negative"),
    "shares of fans": (
        "masher: 30%",
        "masher: 20%",
        "8: fans: the shares add up to 90%, not 100% (10% too few)",
    ),
    "shares of wants": (
        "1: 60%",
        "1: 70%",
        "4: sale.wants: the shares add up to 110%, not 100% (10% too many)",
    ),
    "retry profile": (
        "masher: 30%",
        "masherr: 30%",
        '8: fans.masherr: no such retry profile (did you mean "masher"?)',
    ),
    "target": (
        "targets/shop.yaml",
        "targets/shopp.yaml",
        '3: target: no such target: "targets/shopp.yaml" (did you mean "targets/shop.yaml"?)',
    ),
    "format from the future": (
        "surgectl: 1",
        "surgectl: 2",
        "1: surgectl: this profile was written for a newer surgectl (format 2; this one reads 1) (upgrade surgectl)",
    ),
    "format left out": ("surgectl: 1\n", "", "1: surgectl: is missing (write surgectl: 1 at its top)"),
    "missing key": ("price: 89.00 EUR, ", "", "4: sale.price: is missing (try 89.00 EUR)"),
    "wrong type, list": (
        "fans: {patient: 70%, masher: 30%}",
        "fans: [patient]",
        "8: fans: should be a mapping (key: value), and is a list",
    ),
    "wrong type, word": ("tickets: 500", "tickets: many", '4: sale.tickets: should be a whole number, and is "many"'),
    "a boolean for a name": (
        "name: drop",
        "name: true",
        '2: name: should be text, and is true (true/false) (quote it: "true")',
    ),
    "empty value": ("tickets: 500", "tickets:", "4: sale.tickets: is empty, and should be a whole number"),
    "no tickets": ("tickets: 500", "tickets: 0", "4: sale.tickets: 0 tickets cannot be sold (1 or more)"),
    "unknown shape": ("shape: spike", "shape: spik", '7: load[1].shape: "spik" is not known (did you mean "spike"?)'),
    "field of another shape": (
        "shape: spike, ",
        "",
        "7: load[1].half_life: does not belong to shape constant (did you mean shape: spike?)",
    ),
    "field missing for the shape": (
        "half_life: 5s, ",
        "",
        "7: load[1]: shape spike lacks half_life (it takes fans, for, half_life)",
    ),
    "rate and fans": (
        "rate: 20/s, for",
        "rate: 20/s, fans: 5, for",
        "6: load[0].fans: says how many come, and so does the rate (leave one of them out)",
    ),
    "more than can be meant": (
        "rate: 20/s, for: 5s",
        "rate: 900000/s, for: 5h",
        "6: load[0].for: would bring more than 50,000,000 fans (a lower rate, or less time)",
    ),
    "phase twice": ("phase: doors", "phase: on-sale", '7: load[1].phase: two phases are called "on-sale"'),
    "fault at no phase": (
        "on-sale + 4s",
        "onsale + 4s",
        '10: chaos[0].at: no phase is called "onsale" (did you mean "on-sale"?)',
    ),
    "fault at no instant": ("on-sale + 4s", "on-sale + 4", "10: chaos[0].at: '4' has no unit (try 4s or 4ms)"),
    "brownout": (
        "brownout: lost-reply",
        "brownout: lost-replies",
        '10: chaos[0].brownout: no such brownout: "lost-replies" (did you mean "lost-reply"?)',
    ),
    "fault without a link": (
        "link: payments, ",
        "",
        "10: chaos[0].link: is missing (which of the target's links is meant?)",
    ),
    "fault that breaks nothing": (
        ", brownout: lost-reply",
        "",
        "10: chaos[0]: breaks nothing (one of brownout, toxics, exec)",
    ),
    "invariant": (
        "[stock, money]",
        "[stock, oversell]",
        '14: expect.invariants.require[1]: no such invariant or group: "oversell" (did you mean "OVERSELL"?)',
    ),
    "coverage": (
        "lost_replies: 1",
        "lost_reply: 1",
        '15: expect.coverage.lost_reply: no such coverage (did you mean "lost_replies"?)',
    ),
    "coverage that is nothing": (
        "payments_in_fault: 30%",
        "payments_in_fault: lots",
        '15: expect.coverage.payments_in_fault: "lots" is neither a count nor a share (try 1 or 30%)',
    ),
    "unset variable": (
        "name: drop",
        "name: ${DROP}",
        "2: name: ${DROP} is not set (set it, or write ${DROP:-default})",
    ),
    "tag": (
        "name: drop",
        "name: !!python/object:os.system drop",
        "2: name: a tag (!…) has no meaning here (write the plain value)",
    ),
    "tab": ("  - {phase: doors", "\t- {phase: doors", "6: a tab cannot indent YAML (use spaces)"),
    "two documents": (
        "fans: {",
        "---\nfans: {",
        "8: a second document begins here (one file holds one profile; remove the ---)",
    ),
    "seed": ("name: drop", "name: drop\nseed: -1", "3: seed: -1 is not a seed (0 to 18446744073709551615)"),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_a_bad_profile_gets_its_line(desk: Desk, kind: str) -> None:
    """One thing wrong with a profile is one line: file:line: path: what (what to try)."""
    good, bad, complaint = SPOILT[kind]
    assert good in PROFILE
    desk.write(PROFILE.replace(good, bad, 1))
    assert desk.complaint() == f"drop.yaml:{complaint}"


def test_a_threshold_is_read_when_the_profile_is(desk: Desk) -> None:
    """A threshold that cannot be parsed is found before anything is sent, on its line."""
    desk.write(PROFILE.replace("p99(confirm) < 3s", "p99(confirm < 3s"))
    assert desk.complaint().startswith("drop.yaml:16: expect.thresholds[0]: ")


def test_all_that_is_wrong_is_said_at_once_in_file_order(desk: Desk) -> None:
    """Three mistakes give three lines, so that nobody has to run three times."""
    desk.write(PROFILE.replace("tickets: 500", "tickets: x").replace("for: 5s", "for: 5").replace("at_most", "at_mots"))
    lines = desk.complaint().splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["drop.yaml:4", "sale.tickets"],
        ["drop.yaml:6", "load[0].for"],
        ["drop.yaml:12", "settle.at_mots"],
    ]


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)
ODD_FILES = {
    "empty": ("", "drop.yaml: is empty"),
    "comments only": ("# nothing\n", "drop.yaml: is empty"),
    "one word": ("hello\n", "drop.yaml:1: should be a mapping (key: value)"),
    "a YAML bomb": (BOMB, "drop.yaml:1: more than 20000 values (do aliases multiply one another?)"),
    "an alias to itself": ("surgectl: 1\na: &a [*a]\n", "drop.yaml:2: a[0]: contains itself through an alias"),
    "very deep": ("a: " + "[" * 5000, "drop.yaml:1: not YAML: nested more than 64 deep"),
    "very large": ("a: " + "y" * 600_000, "drop.yaml: is larger than 512 KiB (is this the right file?)"),
    "control characters": ('a: "\x07"\n', "drop.yaml:1: holds a character that YAML forbids"),
    "an endless number": (
        f"surgectl: {'9' * 5000}\n",
        "drop.yaml:1: surgectl: this profile was written for a newer surgectl"
        " (format 999999999; this one reads 1) (upgrade surgectl)",
    ),
}


@pytest.mark.parametrize("kind", ODD_FILES)
def test_an_odd_file_gets_one_line(desk: Desk, kind: str) -> None:
    """Whatever a file holds, the answer is one line and never a traceback or a hang."""
    text, complaint = ODD_FILES[kind]
    desk.write(text)
    assert desk.complaint() == complaint


def test_a_file_that_is_not_utf8_is_named_with_its_line(desk: Desk) -> None:
    """Latin-1 text is refused with the line of the first foreign byte."""
    (desk.folder / "drop.yaml").write_bytes(b"surgectl: 1\nname: caf\xe9\n")
    assert desk.complaint() == "drop.yaml:2: is not UTF-8 text (byte 0xe9) (save it as UTF-8)"


def test_a_folder_a_missing_file_and_an_unknown_name_are_told_apart(desk: Desk) -> None:
    """Each way of naming nothing has its own words."""
    assert desk.complaint(lambda: load_rehearsal("targets", environ={})).startswith("targets: is a directory")
    assert desk.complaint(lambda: load_rehearsal("nope.yaml", environ={})) == "nope.yaml: no such file"
    (desk.folder / "profiles").mkdir()
    (desk.folder / "profiles" / "winter-sale.yaml").write_text(PROFILE)
    complaint = desk.complaint(lambda: load_rehearsal("winter-sail", environ={}))
    assert complaint == 'no such profile: "winter-sail" (did you mean "winter-sale"?)'


def test_a_target_is_not_a_profile(desk: Desk) -> None:
    """The wrong kind of file is called what it is."""
    assert desk.complaint(lambda: load_rehearsal("targets/shop.yaml")) == (
        "targets/shop.yaml:1: this is a target, not a profile"
    )


SPOILT_TARGETS = {
    "unset": (
        "${SHOP_URL:-http://127.0.0.1:8000}",
        "${SHOP_URL}",
        "3: base_url: ${SHOP_URL} is not set (set it, or write ${SHOP_URL:-default})",
    ),
    "no URL": (
        "${SHOP_URL:-http://127.0.0.1:8000}",
        "localhost",
        "3: base_url: is not a URL of http or https (try http://127.0.0.1:8080)",
    ),
    "unknown key": ("role: hold", "rule: hold", '9: journey[0].rule: unknown key (did you mean "role"?)'),
    "unknown role": ("role: hold", "role: holds", '9: journey[0].role: "holds" is not known (did you mean "hold"?)'),
    "two bodies": (
        "json: {qty",
        "form: {a: b}\n    json: {qty",
        "11: journey[0].form: has two bodies: json and form (one of them)",
    ),
    "two methods": ("post: /holds", "get: /x\n    post: /holds", "11: journey[0].post: asks twice: get and post"),
    "step twice": ("step: pay", "step: hold", '13: journey[1].step: two steps are called "hold"'),
    "evidence kind": ("orders:\n", "order:\n", '19: evidence.order: no such kind of evidence (did you mean "orders"?)'),
    "a way of paging": (
        "rows: rows",
        "rows: rows, ofset: {limit: 5}",
        '20: evidence.orders.http.ofset: unknown key (did you mean "offset"?)',
    ),
    "a page without a size": (
        "rows: rows",
        "rows: rows, skip: {total: total}",
        "20: evidence.orders.http.skip.take: is missing",
    ),
    "evidence asked twice": (
        "get: /admin/orders",
        "get: /admin/orders, post: /find",
        "20: evidence.orders.http: asks nothing, or twice (get: or post:)",
    ),
    "evidence of an origin": (
        "get: /admin/orders",
        "get: /admin/orders, origin: ledgr",
        '20: evidence.orders.http.origin: no such origin: "ledgr" (name it under origins:)',
    ),
    "a login of another": (
        "get: /admin/orders",
        "get: /admin/orders, login: charges",
        '20: evidence.orders.http.login: "charges" has no login (a kind of evidence that has one)',
    ),
    "a login step": (
        "get: /admin/orders",
        "get: /admin/orders, login: [{post: /login, forms: {a: b}}]",
        '20: evidence.orders.http.login[0].forms: unknown key (did you mean "form"?)',
    ),
    "a table that is nowhere": (
        "http: {get: /admin/orders, rows: rows}",
        "csv: {encoding: cp1252}",
        "20: evidence.orders.csv: is no file, or two (file: or export:)",
    ),
    "a counter of nothing": (
        "key: [email]",
        "counters: {shown: {value: n}}",
        "22: evidence.orders.counters.shown: is read from nowhere (one of http, sql, csv, jsonl, same)",
    ),
    "a counter's state": (
        "key: [email]",
        "counters: {shown: {same: orders, value: n, states: [vald]}}",
        '22: evidence.orders.counters.shown.states[0]: orders are never "vald" (did you mean "valid"?)',
    ),
    "evidence state": (
        "valid: [confirmed]",
        "vald: [confirmed]",
        '21: evidence.orders.states.vald: no such state (did you mean "valid"?)',
    ),
    "a state that is two": (
        "void: [failed]",
        "void: [confirmed]",
        '21: evidence.orders.states.void: "confirmed" cannot be valid and void',
    ),
    "link": (
        'upstream: "127.0.0.1:9100"',
        'upstream: "9100"',
        '4: links.payments.upstream: "9100" is not host:port (try 127.0.0.1:9100)',
    ),
    "a link's TLS": (
        'upstream: "127.0.0.1:9100"',
        'upstream: "127.0.0.1:9100", tls: {servername: a}',
        '4: links.payments.tls.servername: unknown key (did you mean "server_name"?)',
    ),
    "a link's name": (
        'upstream: "127.0.0.1:9100"',
        'upstream: "127.0.0.1:9100", tls: {server_name: "https://api.stripe.com"}',
        '4: links.payments.tls.server_name: "https://api.stripe.com" is not the name of a host (try api.stripe.com)',
    ),
    "PostgreSQL's own TLS": (
        'upstream: "127.0.0.1:9100"',
        'upstream: "127.0.0.1:9100", speaks: postgres, tls: {}',
        "4: links.payments.tls: PostgreSQL begins TLS by itself, after the question that its canary asks (leave tls",
    ),
    "a source": (
        "name: shop",
        "name: shop\nbind: [lo]",
        '3: bind[0]: "lo" is not an IP address (one that this machine has: 127.0.0.2)',
    ),
    "every source": (
        "name: shop",
        "name: shop\nbind: [127.0.0.2, 0.0.0.0]",
        "3: bind[1]: 0.0.0.0 is no address of a machine (one that this machine has: 127.0.0.2)",
    ),
    "a source twice": (
        "name: shop",
        "name: shop\nbind: [127.0.0.2, 127.0.0.2]",
        "3: bind[1]: 127.0.0.2 stands there twice",
    ),
    "a source in a network": (
        "name: shop",
        "name: shop\nbind: [127.1.0.0/24, 127.1.0.7]",
        "3: bind[1]: 127.1.0.7 stands there twice",
    ),
    "half a network": (
        "name: shop",
        "name: shop\nbind: [127.1.0.7/24]",
        "3: bind[0]: 127.1.0.7/24 begins in the middle of 127.1.0.0/24 (write 127.1.0.0/24)",
    ),
    "a large network": (
        "name: shop",
        "name: shop\nbind: [127.0.0.0/8]",
        "3: bind[0]: 127.0.0.0/8 has 16,777,216 addresses, at most 4,096 are taken (127.1.0.0/24 has 256)",
    ),
    "future": (
        "surgectl-target: 1",
        "surgectl-target: 3",
        "1: surgectl-target: this target was written for a newer surgectl (format 3; this one reads 1)",
    ),
}


@pytest.mark.parametrize("kind", SPOILT_TARGETS)
def test_a_bad_target_gets_its_line(desk: Desk, kind: str) -> None:
    """A target is read as strictly as a profile."""
    good, bad, complaint = SPOILT_TARGETS[kind]
    assert good in TARGET
    desk.write_target(TARGET.replace(good, bad, 1))
    assert desk.target_complaint().startswith(f"targets/shop.yaml:{complaint}")


def test_what_a_profile_asks_of_its_target_must_be_there(desk: Desk) -> None:
    """A fault's link and the probe's page are looked for in the target, and complained of at the profile's line."""
    desk.write_target(TARGET.replace("{payments: {", "{psp: {").replace("about: {get", "abut: {get"))
    opened = open_rehearsal("drop.yaml", environ={})
    assert opened.target_file is not None
    target_file = opened.target_file
    assert desk.complaint(lambda: open_target(target_file, environ={}, over=opened)).splitlines() == [
        'drop.yaml:10: chaos[0].link: the target has no link "payments" (shop has psp)',
        'drop.yaml:11: probe.step: the target has no probe "about" (did you mean "abut"?)',
    ]


def test_a_flag_is_complained_of_by_its_name(desk: Desk) -> None:
    """What a flag or variable got wrong is not blamed on a line of the file."""
    complaint = desk.complaint(lambda: open_rehearsal("drop.yaml", sets={"settle.at_most": "60"}, environ={}))
    assert complaint == "--set settle.at_most: settle.at_most: 60 has no unit (try 60s or 60ms)"
    complaint = desk.complaint(lambda: open_rehearsal("drop.yaml", environ={"SURGECTL_SEED": "x"}))
    assert complaint == 'SURGECTL_SEED: seed: should be a whole number, and is "x"'
    complaint = desk.complaint(lambda: open_rehearsal("drop.yaml", sets={"load[7].fans": "1"}, environ={}))
    assert complaint == "--set load[7].fans: there is no item [7] (items are counted from 0)"


@pytest.mark.parametrize("pair", ["SHOP_URL", "=x", "setle.at_most=3s"])
def test_a_set_flag_that_sets_nothing_is_refused(pair: str) -> None:
    """--set needs a name and a value, and a dotted name must be one of the profile's."""
    with pytest.raises(UsageError):
        split_sets([pair])


CURVES = {
    "empty": ("", "holds fewer than two points"),
    "words": ("0,1\n5,many\n", 'curve.csv:2: "5,many" is not two numbers'),
    "backwards": ("t,rate\n0,1\n5,1\n5,2\n", "curve.csv:4: the time 5 does not come after 5"),
    "negative": ("0,1\n5,-1\n", 'curve.csv:2: "5,-1": seconds and rate must be 0 or more'),
    "nan": ("0,1\n5,nan\n", 'curve.csv:2: "5,nan": seconds and rate must be 0 or more'),
}


@pytest.mark.parametrize("kind", CURVES)
def test_a_bad_recorded_curve_gets_its_line(desk: Desk, kind: str) -> None:
    """The CSV of a recorded curve is checked when the profile is loaded."""
    text, complaint = CURVES[kind]
    (desk.folder / "curve.csv").write_text(text)
    desk.write(PROFILE.replace("{phase: doors, rate: 20/s, for: 5s}", "{phase: doors, shape: curve, file: curve.csv}"))
    said = desk.complaint()
    assert said.startswith("drop.yaml:6: load[0].file: ")
    assert complaint in said


RETRY = """\
name: mine
patience: {pay: 5s}
react:
  pay: {info: {tries: 2, backoff: {fixed: 3s}}}
tabs: {open: 2-5}
refresh: {poll: {lognormal: {median: 2s, sigma: 0.5}}}
"""
SPOILT_RETRIES = {
    "role": ("patience: {pay", "patience: {pays", '2: patience.pays: no such role: "pays" (did you mean "pay"?)'),
    "tries": ("tries: 2", "tries: 0", "4: react.pay.info.tries: 0 tries (tries includes the first: 1 or more)"),
    "two backoffs": (
        "{fixed: 3s}",
        "{fixed: 3s, uniform: [1s, 2s]}",
        "4: react.pay.info.backoff: is fixed and uniform at once (one of them)",
    ),
    "uniform backwards": (
        "{fixed: 3s}",
        "{uniform: [3s, 2s]}",
        "4: react.pay.info.backoff.uniform: should be [least, most] (try [50ms, 200ms])",
    ),
    "tabs": ("open: 2-5", "open: 5-2", "5: tabs.open: '5-2' runs backwards (try 3 or 2-5)"),
    "refresh unit": ("median: 2s", "median: 2", "6: refresh.poll.lognormal.median: '2' has no unit (try 2.5s)"),
    "refresh word": ("{lognormal: {median: 2s, sigma: 0.5}}", "often", '6: refresh.poll: "often" is not a habit'),
    "file's name": ("name: mine", "name: yours", '1: name: "yours" stands in a file called "mine"'),
}


@pytest.mark.parametrize("kind", SPOILT_RETRIES)
def test_a_bad_retry_profile_gets_its_line(desk: Desk, kind: str) -> None:
    """A retry profile of one's own is read as strictly as the rest."""
    good, bad, complaint = SPOILT_RETRIES[kind]
    assert good in RETRY
    (desk.folder / "fans").mkdir()
    path = desk.folder / "fans" / "mine.yaml"
    path.write_text(RETRY)
    assert load_retry_profile("mine", near=Path()).patience["pay"] == 5_000_000_000
    path.write_text(RETRY.replace(good, bad, 1))
    said = desk.complaint(lambda: load_retry_profile("mine", near=Path()))
    assert said.startswith(f"fans/mine.yaml:{complaint}")
