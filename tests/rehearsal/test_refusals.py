"""Whatever cannot be meant is said in one line, before anything is started: no traceback, no recording."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rehearsal.acting import DRILL, Ended, environment, surgectl
from tests.toxiproxy_binary import free_port

pytestmark = pytest.mark.real

TEXT = DRILL.read_text()


def changed(old: str, new: str) -> str:
    assert TEXT.count(old) == 1, old
    return TEXT.replace(old, new)


def bomb() -> str:
    """Nine aliases of nine aliases of …: a gigabyte in a kilobyte (the "billion laughs" of YAML)."""
    levels = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    return TEXT + "\n" + "\n".join(levels) + "\n"


# What is wrong with the profile → words that must be said.
PROFILES: dict[str, tuple[str, tuple[str, ...]]] = {
    "unknown-key": (changed("settle: {at_most", "setle: {at_most"), ("setle", 'did you mean "settle"')),
    "duplicate-key": (changed("seed: 11", "seed: 11\nseed: 12"), ("seed",)),
    "missing-unit": (changed("at_most: 15s", "at_most: 15"), ("settle.at_most", "15")),
    "negative-rate": (changed("rate: 8/s", "rate: -8/s"), ("load[0].rate", "-8")),
    "shares": (changed("brisk: 40%", "brisk: 30%"), ("fans", "90%", "10%")),
    "no-target": (changed("target: boxoffice", "target: boxofice"), ("boxofice", "boxoffice")),
    "bomb": (bomb(), ("alias",)),
    "future": (changed("surgectl: 1", "surgectl: 99"), ("99",)),
    "unknown-link": (changed("link: payments", "link: paymnts"), ("paymnts", "payments")),
    "unknown-brownout": (changed("brownout: lost-reply", "brownout: lost-repl"), ("lost-repl", "lost-reply")),
    "unknown-fan": (changed("quits: 10%", "quit: 10%"), ("quit",)),
    "unknown-stage-setting": (changed("provider_latency: 10ms", "provider_latncy: 10ms"), ("provider_latncy",)),
    "not-yaml": ("surgectl: 1\n  name: [", (":",)),
    "empty": ("", (":",)),
    "binary": ("\x00\x01surgectl", (":",)),
}
# What is wrong with the command line.
FLAGS: dict[str, tuple[tuple[object, ...], tuple[str, ...]]] = {
    "unknown-profile": (("run", "ticket-dorp"), ("ticket-dorp", 'did you mean "ticket-drop"')),
    "unknown-file": (("run", "no/such.yaml"), ("no/such.yaml",)),
    "unknown-defect": (("run", DRILL, "--defect", "overssell"), ("overssell", 'did you mean "oversell"')),
    "bad-set": (("run", DRILL, "--set", "settle.at_most"), ("--set", "settle.at_most")),
    "set-unknown": (("run", DRILL, "--set", "setle.at_most=3s"), ("setle", "settle")),
    "set-unknown-inside": (("run", DRILL, "--set", "settle.at_mos=3s"), ("at_mos", "at_most")),
    "set-no-item": (("run", DRILL, "--set", "chaos[7].for=3s"), ("[7]",)),
    "bad-threshold": (("run", DRILL, "--threshold", "p99(confirm) < 3 bananas"), ("bananas",)),
    "bad-start": (("run", DRILL, "--start-at", "tomorrow"), ("--start-at", "tomorrow")),
    "past-start": (("run", DRILL, "--start-at", "2001-01-01T10:00:00+00:00"), ("--start-at", "2001")),
    "toxiproxy-no-url": (("run", DRILL, "--toxiproxy", "ftp://nowhere"), ("ftp://nowhere",)),
    "toxiproxy-nobody": (("run", DRILL, "--toxiproxy", f"http://127.0.0.1:{free_port()}"), ("--toxiproxy",)),
    "no-recording": (("audit", "/nonexistent"), ("/nonexistent",)),
    "no-recording-to-heal": (("chaos", "heal", "/nonexistent"), ("/nonexistent",)),
}
# Of the target.
STRANGER = """
surgectl-target: 1
name: stranger
base_url: "{url}"
{more}
journey:
  - {{step: look, get: /, outcomes: [{{when: {{status: 200}}, end: confirmed}}]}}
"""


def refused(ended: Ended, words: tuple[str, ...], code: int = 2) -> None:
    """One line on stderr, with these words in it, nothing on stdout, and no traceback."""
    assert ended.code == code, ended.said
    assert "Traceback" not in ended.err, ended.said
    lines = ended.err.strip().splitlines()
    assert len(lines) == 1, ended.said
    assert all(word in lines[0] for word in words), ended.said
    assert ended.out == "", ended.said


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("verb", ["run", "check"])
def test_a_profile_that_cannot_be_meant_is_refused_in_one_line(verb: str, name: str, tmp_path: Path) -> None:
    """The line names the file, the place and, where there is one, the nearest valid word; exit 2, nothing started."""
    text, words = PROFILES[name]
    file = tmp_path / "profile.yaml"
    file.write_text(text)
    (tmp_path / "fans").symlink_to(DRILL.parent / "fans")
    ended = surgectl(verb, file, *(("--reports", tmp_path / "reports") if verb == "run" else ()))
    refused(ended, ("profile.yaml", *words))
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("name", FLAGS)
def test_a_command_line_that_cannot_be_meant_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    """Exit 2, one line that names the flag and what it said."""
    arguments, words = FLAGS[name]
    more = ("--reports", tmp_path / "reports") if arguments[0] == "run" else ()
    refused(surgectl(*arguments, *more), words)


@pytest.mark.parametrize(
    ("mistakes", "says"),
    [
        ((("brisk: 40%", "brisk: 30%"), ("brownout: lost-reply", "brownout: lost-rply")), ("90%", "lost-rply")),
        ((("limit: 4", "limti: 4"), ("brownout: lost-reply", "brwnout: lost-reply")), ("limti", "brwnout")),
    ],
    ids=["values", "keys"],
)
def test_several_mistakes_are_told_one_a_line(
    mistakes: tuple[tuple[str, str], ...], says: tuple[str, str], tmp_path: Path
) -> None:
    """Two mistakes of one kind are two lines, in the file's order: nobody mends one to find the next."""
    text = DRILL.read_text()
    for right, wrong in mistakes:
        assert right in text
        text = text.replace(right, wrong)
    file = tmp_path / "profile.yaml"
    file.write_text(text)
    (tmp_path / "fans").symlink_to(DRILL.parent / "fans")
    ended = surgectl("run", file, "--reports", tmp_path / "reports")
    assert ended.code == 2
    assert "Traceback" not in ended.err
    lines = ended.err.strip().splitlines()
    assert len(lines) == 2 and all("profile.yaml:" in line for line in lines), ended.said
    assert [word in line for word, line in zip(says, lines, strict=True)] == [True, True], ended.said


class Nonsense(http.server.BaseHTTPRequestHandler):
    """Answers every question with a page about something else."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>welcome to nginx</html>")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def nonsense() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Nonsense)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_something_that_is_no_toxiproxy_is_refused_in_one_line(nonsense: str, tmp_path: Path) -> None:
    """A URL where something else answers: exit 2, and the line names it."""
    ended = surgectl("run", DRILL, "--toxiproxy", nonsense, "--reports", tmp_path)
    refused(ended, ("--toxiproxy", nonsense))


def stranger(place: Path, url: str, more: str = "") -> Path:
    file = place / "stranger.yaml"
    file.write_text(STRANGER.format(url=url, more=more))
    profile = place / "profile.yaml"
    text = changed("target: boxoffice", "target: ./stranger.yaml")
    start, end = text.index("chaos:"), text.index("probe:")
    text = text[:start] + text[end:].replace("probe: {step: about, rate: 4/s}\n", "")
    text = text[: text.index("expect:")] + "expect: {}\n"
    profile.write_text(text)
    (place / "fans").symlink_to(DRILL.parent / "fans")
    return profile


def test_a_defect_needs_a_shop_of_ours(tmp_path: Path) -> None:
    """`--defect` with a target that has no stage: exit 2."""
    profile = stranger(tmp_path, "http://127.0.0.1:9")
    refused(surgectl("run", profile, "--defect", "oversell", "--reports", tmp_path / "r"), ("--defect", "stage"))


def test_a_host_that_is_not_this_machine_is_refused(tmp_path: Path) -> None:
    """Exit 13 before a byte is sent and before a recording is made, unless the target allows the host by name."""
    profile = stranger(tmp_path, "http://203.0.113.7:9")
    refused(surgectl("run", profile, "--reports", tmp_path / "r"), ("203.0.113.7", "allow"), code=13)
    assert not (tmp_path / "r").exists()


def test_a_shop_that_nobody_reaches_is_inconclusive(tmp_path: Path) -> None:
    """A closed port: exit 12, the reason in one line, and no page that says pass."""
    url = f"http://127.0.0.1:{free_port()}"
    ended = surgectl("run", stranger(tmp_path, url), "--reports", tmp_path / "r")
    refused(ended, (url, "cannot be reached", "refused"), code=12)
    for page in (tmp_path / "r").glob("*/*/report.*"):
        assert '"verdict": "pass"' not in page.read_text()
        assert "PASS" not in page.read_text()


def test_a_variable_that_nobody_set_is_named(tmp_path: Path) -> None:
    """`${NAME}` without a value: exit 2, and the line says which."""
    profile = stranger(tmp_path, "http://127.0.0.1:9", 'headers: {X-Token: "${SHOP_TOKEN}"}')
    ended = surgectl("run", profile, "--reports", tmp_path / "r", env=environment(SHOP_TOKEN=None))
    refused(ended, ("SHOP_TOKEN", "stranger.yaml"))
