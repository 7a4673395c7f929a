"""Where everything of one rehearsal lies: the names of the files inside its folder."""

from __future__ import annotations

from pathlib import Path

import msgspec

OPS = "ops"
EVIDENCE = "evidence"
PARQUET = "parquet"


class Folder(msgspec.Struct, frozen=True):
    """The folder of one run. Names only: nothing is created or opened by asking."""

    root: Path

    @property
    def manifest(self) -> Path:
        """What was run, with which seed, when, and how it ended."""
        return self.root / "run.json"

    @property
    def ops(self) -> Path:
        return self.root / OPS

    def ops_file(self, shard: int) -> Path:
        """Everything that shard `shard` planned, sent and saw."""
        return self.ops / f"{shard}.jsonl.zst"

    def ops_files(self) -> list[Path]:
        """Those that exist, by shard number."""
        return sorted(self.ops.glob("*.jsonl.zst"), key=_by_number)

    @property
    def chaos(self) -> Path:
        return self.root / "chaos.jsonl"

    @property
    def vitals(self) -> Path:
        return self.root / "vitals.jsonl"

    def vitals_file(self, shard: int) -> Path:
        """Shard 0 writes `vitals.jsonl`, the others one of their own."""
        return self.vitals if shard == 0 else self.root / f"vitals-{shard}.jsonl"

    def vitals_files(self) -> list[Path]:
        """Those that exist."""
        first = [self.vitals] if self.vitals.exists() else []
        return first + sorted(self.root.glob("vitals-*.jsonl"), key=_by_number)

    @property
    def evidence(self) -> Path:
        return self.root / EVIDENCE

    def evidence_file(self, kind: str) -> Path:
        """The rows of one kind of evidence; `sources` says how the reading of each went."""
        return self.evidence / f"{kind}.jsonl"

    @property
    def parquet(self) -> Path:
        """A cache of the same rows for DuckDB: may be deleted at any time."""
        return self.root / PARQUET

    @property
    def report_html(self) -> Path:
        return self.root / "report.html"

    @property
    def report_json(self) -> Path:
        return self.root / "report.json"

    @property
    def junit(self) -> Path:
        return self.root / "junit.xml"

    def name_of(self, path: Path) -> str:
        """How a pointer names a file of this folder: `ops/0.jsonl.zst`."""
        return path.relative_to(self.root).as_posix()


def _by_number(path: Path) -> tuple[int, str]:
    digits = "".join(character for character in path.name.split(".")[0] if character.isdigit())
    return (int(digits) if digits else 0, path.name)
