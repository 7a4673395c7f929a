"""examples/signed-checkout, done as its README says: installed, checked, tried, and rehearsed against its shop."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from surgectl.cli.check import check
from surgectl.cli.try_fan import try_target
from surgectl.errors import UsageError

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/signed-checkout"
pytestmark = pytest.mark.real
SECRET = "not-a-secret-at-all"


class Desk:
    """A folder with the example in it, its package installed in another, and its shop open."""

    def __init__(self, folder: Path, site: Path, url: str) -> None:
        self.folder = folder
        self.site = site
        self.url = url

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        path = f"{ROOT}{os.pathsep}{self.site}"
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=self.folder,
            env={**os.environ, "SHOP_URL": self.url, "SHOP_SECRET": SECRET, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def builds_wheels() -> bool:
    """Is there a setuptools that needs nobody's help? Otherwise pip fetches one, as it would for a reader."""
    try:
        return int(metadata.version("setuptools").split(".")[0]) > 70
    except metadata.PackageNotFoundError:
        return False


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    place = tmp_path_factory.mktemp("signed")
    folder, site = place / "example", place / "site"
    source = place / "source"  # a build leaves its notes beside what it builds, and they look installed from there
    for copy in (folder, source):
        shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    alone = ["--no-build-isolation"] if builds_wheels() else []
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", *alone, "--target", str(site), str(source)]
    subprocess.run(install, check=True, capture_output=True, timeout=120)
    shop = subprocess.Popen([sys.executable, "shop.py", "--port", "0"], cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        assert shop.stdout is not None
        yield Desk(folder, site, shop.stdout.readline().strip())
    finally:
        shop.terminate()
        shop.wait(10)


@pytest.fixture
def here(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """In that folder, in this process; the package is not installed yet."""
    monkeypatch.chdir(desk.folder)
    monkeypatch.setenv("SHOP_URL", desk.url)
    monkeypatch.setenv("SHOP_SECRET", SECRET)
    monkeypatch.setenv("COLUMNS", "200")
    yield desk
    sys.modules.pop("signed_checkout", None)


def install(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(desk.site))
    importlib.invalidate_caches()


def test_check_names_the_package_or_the_missing_name(
    here: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """File, line and name where the package is missing; whose step it is where it is there, or the nearest one."""
    with pytest.raises(UsageError, match=r'(?s)signed-shop\.yaml:\d+: journey\[0\]\.call.*there is no "sign"'):
        check("signed-shop.yaml")
    install(here, monkeypatch)
    check("signed-shop.yaml")
    assert "steps in Python: proof-of-work (signed-checkout), sign (signed-checkout)" in capsys.readouterr().out
    text = (here.folder / "signed-shop.yaml").read_text()
    (here.folder / "misspelt.yaml").write_text(text.replace("call: sign", "call: sing", 1))
    with pytest.raises(UsageError, match='did you mean "sign" of signed-checkout'):
        check("misspelt.yaml")


def test_a_fan_buys_from_a_shop_that_wants_everything_signed(
    here: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--try` shows what each step returned, the secret nowhere, and ends confirmed."""
    install(here, monkeypatch)
    assert try_target("signed-shop.yaml", {}) == 0
    said = capsys.readouterr().out
    assert "call proof-of-work in" in said and 'returned {"proof":' in said
    assert "X-Signature: " in said and "ended confirmed (ok) after 3 requests" in said
    assert SECRET not in said


def test_a_rehearsal_with_two_workers_sells_what_there_is(desk: Desk) -> None:
    """Every request was signed in whichever process it was sent from: five tickets, exit 0; the secret is not kept."""
    ended = desk.run("surgectl", "run", "rush.yaml", "--workers", "2", "--reports", "reports")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    report = json.loads((desk.folder / "reports/rush/latest/report.json").read_text())
    assert report["metrics"]["funnel"]["confirmed"] == 5
    manifest = (desk.folder / "reports/rush/latest/run.json").read_text()
    assert json.loads(manifest)["tally"]["calls"] >= 20 * 4 and SECRET not in manifest


def test_its_own_test_passes(here: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """As somebody who copies it would run it."""
    install(here, monkeypatch)
    spec = importlib.util.spec_from_file_location("its_own_test", here.folder / "test_signed_checkout.py")
    assert spec is not None and spec.loader is not None
    its_own = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(its_own)
    tests = [made for name, made in vars(its_own).items() if name.startswith("test_")]
    assert len(tests) == 3
    for test in tests:
        test()
