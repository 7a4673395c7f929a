"""Whoever recorded a purchase, it is the same purchase."""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path

import pytest

from surgectl.cli.init import _prove
from surgectl.drafting.har import read_har
from surgectl.drafting.purchase import draft_of
from surgectl.drafting.unpacked import opened
from surgectl.drafting.write import write
from surgectl.errors import UsageError
from tests.drafting.dialects import ANN, DIALECTS, TOKENS, chromium, playwright
from tests.drafting.recorded import target_of


def draft(file: Path) -> str:
    """What `surgectl init --from-har` writes of that file."""
    recording = opened(file)
    text = write(draft_of(read_har(recording.data, str(file), recording.attached), str(file)))
    _prove(text)
    return text


@pytest.mark.parametrize("dialect", [*DIALECTS, "playwright"])
def test_every_recorder_gives_the_same_journey(dialect: str, tmp_path: Path) -> None:
    """Steps, forms, tokens and ends are those of the purchase, and nothing that only this person had is in the file."""
    file = tmp_path / f"bought.{'zip' if dialect == 'playwright' else 'har'}"
    if dialect == "playwright":
        playwright(file)
    else:
        file.write_bytes(DIALECTS[dialect]())
    text = draft(file)
    target = target_of(text, tmp_path)
    said = [(step.step, step.role, step.get or step.post, step.form, step.follow) for step in target.journey]
    token = "{" + next(iter(target.journey[0].take)) + "}"
    assert said == [
        ("gig", "browse", "/gig", None, False),
        ("hold", "hold", "/basket", {"_csrf": token, "tickets": "{qty}"}, True),
        ("checkout", "browse", "/checkout", {"_csrf": token, "mail": "{email}", "town": "Zürich & Köln"}, True),
        ("pay", "pay", "/buy", {"_csrf": token}, True),
    ]
    end = (target.journey[-1].outcomes or [])[0]
    assert end.end == "confirmed" and "thank-you" in str(end.when.url)  # type: ignore[union-attr]
    for private in (*TOKENS, ANN, "s3cr3t77", "ann.o"):
        assert private not in text
    assert ("exported without cookies" in text) is (dialect == "chromium-sanitized")
    assert ("does not say where the form went" in text) is (dialect == "safari")


def test_bodies_beside_the_recording_are_found_and_none_elsewhere(tmp_path: Path) -> None:
    """A HAR whose bodies are files of its own folder; a name that leads out of it is nobody's body."""
    playwright(tmp_path / "all.zip")
    inside = tmp_path / "apart"
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        archive.extractall(inside)
    assert "pay" in draft(inside / "har.har")
    (tmp_path / "outside.html").write_text(f'<input type="hidden" name="_csrf" value="{TOKENS[0]}">')
    har = json.loads((inside / "har.har").read_text())
    for name in ("../outside.html", str(tmp_path / "outside.html"), "..", "a/../../outside.html"):
        har["log"]["entries"][0]["response"]["content"]["_file"] = name
        (inside / "har.har").write_text(json.dumps(har))
        exchanges = read_har((inside / "har.har").read_bytes(), "x", opened(inside / "har.har").attached)
        assert exchanges[0].reply == ""


def broken(kind: str) -> bytes:
    whole = chromium()
    match kind:
        case "cut":
            return whole[: len(whole) // 2]
        case "lines":
            return json.dumps(json.loads(whole), indent=1).encode()[:9000]
        case "odd":
            return whole[:1000] + whole[1000:].replace(b'"response": {', b'"response": }', 1)
        case "packed":
            return zlib.compress(whole)[:500]
        case "zip":
            return b"PK\x03\x04" + b"x" * 200
    return whole.decode().encode("utf-16")[:-400]


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("cut", r"har:1: .*breaks off after [\d,]+ bytes, in entry \d+ \(export or copy it again"),
        ("lines", r"har:\d\d\d: .*breaks off"),
        ("odd", r"har:1: is not JSON: .* at byte [12],\d\d\d, in entry \d"),
        ("packed", "breaks off when it is unpacked"),
        ("zip", "is a zip that cannot be read"),
        ("utf-16", "breaks off after"),
    ],
)
def test_a_broken_recording_says_where_it_is_broken(kind: str, what: str, tmp_path: Path) -> None:
    """File, line and entry, and what to try."""
    file = tmp_path / "bought.har"
    file.write_bytes(broken(kind))
    with pytest.raises(UsageError, match=what):
        draft(file)


def test_a_zip_without_a_recording_is_named(tmp_path: Path) -> None:
    """As Fiddler's own archive is one."""
    with zipfile.ZipFile(tmp_path / "x.saz", "w") as archive:
        archive.writestr("raw/1_c.txt", "GET / HTTP/1.1")
    with pytest.raises(UsageError, match="without a .har"):
        opened(tmp_path / "x.saz")


def test_what_unfolds_beyond_all_measure_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A packed file that is small and a recording that is not."""
    monkeypatch.setattr("surgectl.drafting.unpacked.MOST_BYTES", 1_000_000)
    (tmp_path / "bomb.zhar").write_bytes(zlib.compress(b" " * 5_000_000))
    with pytest.raises(UsageError, match="larger than"):
        opened(tmp_path / "bomb.zhar")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("har.har", b" " * 5_000_000)
    with pytest.raises(UsageError, match="cannot be unpacked"):
        opened(tmp_path / "bomb.zip")
