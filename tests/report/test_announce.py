"""What a build server is told, where there is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from surgectl.cli.announce import announce, append
from surgectl.report.markdown import MOST_BYTES
from tests.report.sample import summary

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "o/r",
    "GITHUB_RUN_ID": "12",
}


def tell(environ: dict[str, str], *, asked: str = "smoke", as_json: bool = False) -> None:
    announce(summary(), Path("reports/x/1"), environ, asked=asked, as_json=as_json)


def test_at_home_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """No build server, no line and no page."""
    tell({})
    assert capsys.readouterr() == ("", "")


def test_github_gets_its_page_and_its_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The page is appended to the step's file, the lines go to stdout, with a link to the run's artefacts."""
    page = tmp_path / "step.md"
    page.write_text("what another program said")
    tell({**GITHUB, "GITHUB_STEP_SUMMARY": str(page)})
    text = page.read_text("utf-8")
    assert text.startswith("what another program said\n\n## ❌ FAIL")
    assert "(https://github.com/o/r/actions/runs/12#artifacts)" in text and "reports/x/1" in text
    out, err = capsys.readouterr()
    assert out.startswith("::error title=DUPCHARGE::") and err == ""


def test_stdout_stays_report_json_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """With --json the lines go to stderr, which the runner reads as well."""
    tell(GITHUB, as_json=True)
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("::error title=DUPCHARGE::")


def test_the_lines_name_the_profiles_file_within_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Relative to the workspace, wherever the command ran; a shipped profile, or one from elsewhere, has no file."""
    (tmp_path / "load").mkdir()
    (tmp_path / "load/sale.yaml").write_text("")
    monkeypatch.chdir(tmp_path / "load")
    tell({**GITHUB, "GITHUB_WORKSPACE": str(tmp_path)}, asked="sale.yaml")
    assert capsys.readouterr().out.startswith("::error file=load/sale.yaml,title=DUPCHARGE::")
    tell({**GITHUB, "GITHUB_WORKSPACE": str(tmp_path / "other")}, asked="sale.yaml")
    assert capsys.readouterr().out.startswith("::error title=")


def test_a_page_that_is_nearly_full_gets_the_verdict_alone(tmp_path: Path) -> None:
    """Past the limit GitHub shows nothing at all: the short form where it fits, and no byte more."""
    page = tmp_path / "step.md"
    page.write_bytes(b"x" * (MOST_BYTES - 10) + b"\n\n")
    append(page, "y" * 20, "short")
    assert page.read_bytes().endswith(b"\n\nshort") and page.stat().st_size <= MOST_BYTES
    with pytest.raises(OSError, match="full"):
        append(page, "y" * 20)


def test_a_page_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, and the lines come all the same."""
    tell({**GITHUB, "GITHUB_STEP_SUMMARY": str(tmp_path)})
    out, err = capsys.readouterr()
    assert "summary could not be written" in err and out.startswith("::error")
