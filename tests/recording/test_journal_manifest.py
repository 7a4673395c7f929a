"""The recording's first page, and where a recording lies."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from surgectl.errors import UsageError
from surgectl.recording.manifest import (
    Manifest,
    SaleNote,
    create_run_folder,
    load,
    manifest_path,
    point_latest,
    replace,
    save,
)

NOON = datetime(2030, 1, 2, 12, 0, 0, tzinfo=UTC)


def manifest() -> Manifest:
    return Manifest(
        run="r1",
        profile="smoke",
        seed=7,
        digest="d",
        version="0",
        started_at=NOON.isoformat(),
        started_epoch_s=NOON.timestamp(),
        sale=SaleNote(tickets=10, price_minor=8900, currency="EUR"),
    )


def test_saved_and_loaded(tmp_path: Path) -> None:
    """A manifest comes back as it was saved, and a second save replaces the first without leftovers."""
    save(manifest(), tmp_path)
    ended = replace(manifest(), status="done", duration_s=12.5)
    save(ended, tmp_path)
    assert load(tmp_path) == ended
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_unreadable_manifests_are_named(tmp_path: Path) -> None:
    """No manifest, nonsense, and a format from the future are each one clear line."""
    with pytest.raises(UsageError, match="not a recording"):
        load(tmp_path)
    manifest_path(tmp_path).write_text("{nonsense")
    with pytest.raises(UsageError, match="not a manifest"):
        load(tmp_path)
    manifest_path(tmp_path).write_text('{"schema": "surgectl.recording/9"}')
    with pytest.raises(UsageError, match="surgectl.recording/9"):
        load(tmp_path)


def test_run_folders_are_never_shared(tmp_path: Path) -> None:
    """Two runs of one second get two folders; `latest` points at the newest, and a real `latest` is left alone."""
    one = create_run_folder(tmp_path, "smoke", NOON, 7)
    two = create_run_folder(tmp_path, "smoke", NOON, 7)
    assert one == tmp_path / "smoke" / "20300102T120000Z-7" and two.name == "20300102T120000Z-7-2"
    point_latest(one)
    point_latest(two)
    assert (tmp_path / "smoke" / "latest").resolve() == two.resolve()
    (tmp_path / "smoke" / "latest").unlink()
    (tmp_path / "smoke" / "latest").mkdir()
    point_latest(one)
    assert not (tmp_path / "smoke" / "latest").is_symlink()


def test_a_profile_name_cannot_leave_the_reports_folder(tmp_path: Path) -> None:
    """A name with slashes or dots stays one folder below reports."""
    assert create_run_folder(tmp_path, "../../etc", NOON, 1).parent.parent == tmp_path
