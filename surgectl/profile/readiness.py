"""A profile may be a list: the rehearsals that together answer "are we ready?", in the order of their playing."""

from __future__ import annotations

from pathlib import Path

import msgspec

from surgectl.errors import UsageError, did_you_mean
from surgectl.profile import lookup, yaml
from surgectl.profile.kind import kind_of, refuse_other_kind
from surgectl.profile.node import BadFile, Fields, Issue, Node, Place, place_of
from surgectl.profile.overlay import split_sets
from surgectl.profile.reading import read

MOST = 50
"""Rehearsals of one list: more is more likely a slip than a plan for the night."""


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One rehearsal of the list."""

    profile: str
    """A profile: a path beside the list, or a name such as peak-load."""
    why: str = ""
    """The question that it answers, as it stands on the page."""
    sets: dict[str, str] = msgspec.field(name="set", default_factory=dict)
    """Other values, as for --set: `sale.tickets: 100` for the profile, `NAME: VALUE` for the target."""


class Readiness(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A list of rehearsals with one verdict."""

    surgectl: int
    name: str
    about: str = ""
    rehearsals: list[Part]
    """Played one after the other, in this order."""


class OpenReadiness(msgspec.Struct, frozen=True, kw_only=True):
    """A list with the files that it names."""

    readiness: Readiness
    file: Path
    files: tuple[Path, ...]
    """Of each rehearsal, in order."""


def is_readiness(name: str | Path) -> bool:
    """Whether a path or name is a list of rehearsals; False too for what cannot be read, so that others may say why."""
    try:
        return kind_of(lookup.find(name, "profile", lookup.rehearsal_folders())) == "readiness"
    except UsageError:
        return False


def open_readiness(name: str | Path) -> OpenReadiness:
    """The list of a path or bare name. Raises UsageError with file and line of whatever is wrong with it.

    The profiles that it names must be there and be no lists themselves; whether they are right, their own loader says.
    """
    file = lookup.find(name, "profile", lookup.rehearsal_folders())
    source = lookup.shown(file)
    tree = yaml.read(file, source)
    if not isinstance(tree, Fields):
        raise BadFile([Issue(Place(source, tree.place.line), "", "should be a mapping (key: value)")])
    refuse_other_kind(tree, "surgectl", "profile")
    readiness = read(tree, Readiness)
    issues = _issues(readiness, tree)
    files = [_file(part, file.parent, tree, f"rehearsals[{n}]", issues) for n, part in enumerate(readiness.rehearsals)]
    if issues:
        raise BadFile(issues)
    return OpenReadiness(readiness=readiness, file=file, files=tuple(path for path in files if path is not None))


def _issues(readiness: Readiness, tree: Node) -> list[Issue]:
    issues = []
    if not readiness.name.strip():
        issues.append(Issue(place_of(tree, "name"), "name", "is empty"))
    if not 1 <= len(readiness.rehearsals) <= MOST:
        what = f"{len(readiness.rehearsals)} rehearsals; a list has between 1 and {MOST}"
        issues.append(Issue(place_of(tree, "rehearsals"), "rehearsals", what))
    for number, part in enumerate(readiness.rehearsals):
        for key, value in part.sets.items():
            path = f"rehearsals[{number}].set"
            try:
                split_sets([f"{key}={value}"])
            except UsageError as error:
                issues.append(Issue(place_of(tree, f"{path}.{key.split('.')[0]}"), f"{path}.{key}", str(error)))
    return issues


def _file(part: Part, near: Path, tree: Node, path: str, issues: list[Issue]) -> Path | None:
    place = place_of(tree, f"{path}.profile")

    def complain(what: str, hint: str | None = None) -> None:
        issues.append(Issue(place, f"{path}.profile", what, hint))

    folders = [near, *lookup.rehearsal_folders()]
    if lookup.is_bare(part.profile):
        file = lookup.find_named(part.profile, folders)
    else:
        beside = near / part.profile
        file = beside if beside.is_file() else None
    if file is None:
        complain(f'no such profile: "{part.profile}"', did_you_mean(part.profile, lookup.names_in(folders)))
        return None
    try:
        kind = kind_of(file)
    except UsageError as error:
        complain(str(error))
        return None
    if kind != "profile":
        what = "a list of rehearsals itself" if kind == "readiness" else f"a {kind}"
        complain(f"{lookup.shown(file)} is {what}, not a profile")
        return None
    return file
