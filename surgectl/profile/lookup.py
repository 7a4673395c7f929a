"""Where profiles, targets and retry profiles are looked for: beside you first, then what surgectl brings along."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from surgectl.errors import UsageError, did_you_mean

_SUFFIXES = (".yaml", ".yml")


def shipped() -> Path:
    """The folder of the profiles that come with surgectl: inside an installed wheel, or in the checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "shipped"
    return inside if inside.is_dir() else package.parent / "profiles"


def shown(path: Path) -> str:
    """A file's name for people: relative where that is shorter."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def is_bare(name: str) -> bool:
    """`ticket-drop` is a name; `./ticket-drop`, `ticket-drop.yaml` and `a/b` are paths."""
    return "/" not in name and "\\" not in name and not name.endswith(_SUFFIXES) and name not in ("", ".", "..")


def names_in(folders: Iterable[Path]) -> list[str]:
    """The bare names that these folders offer."""
    found: dict[str, None] = {}
    for folder in folders:
        if folder.is_dir():
            found.update(dict.fromkeys(sorted(p.stem for p in folder.iterdir() if p.suffix in _SUFFIXES)))
    return list(found)


def find_named(name: str, folders: Iterable[Path]) -> Path | None:
    """The file of a bare name in the first folder that has it."""
    for folder in folders:
        for suffix in _SUFFIXES:
            path = folder / f"{name}{suffix}"
            if path.is_file():
                return path
    return None


def find(name: str | Path, kind: str, folders: Iterable[Path]) -> Path:
    """A path as given, or a bare name in the first folder that has it. Raises UsageError with the nearest name."""
    text = str(name)
    places = list(folders)
    if not text.strip():
        raise UsageError(f"an empty name is no {kind}", hint="name its .yaml file")
    if not is_bare(text):
        return Path(text)
    path = find_named(text, places)
    if path is not None:
        return path
    if Path(text).exists():
        return Path(text)
    known = names_in(places)
    hint = did_you_mean(text, known) or (f"there are {', '.join(known)}" if known else "name its .yaml file")
    raise UsageError(f'no such {kind}: "{text}"', hint=hint)


def rehearsal_folders() -> list[Path]:
    return [Path("profiles"), shipped()]


def target_folders(near: Path | None = None) -> list[Path]:
    """`near` is the folder of the profile that names the target."""
    return [*([near / "targets"] if near else []), Path("profiles/targets"), shipped() / "targets"]


def fan_folders(near: Path | None = None) -> list[Path]:
    """`near` is the folder of the profile that names the retry profile."""
    beside = [near / "fans", near.parent / "fans"] if near else []
    return [*beside, Path("profiles/fans"), shipped() / "fans"]
