"""Load what the user wrote: a rehearsal, a target, a retry profile. Strict, with the line of whatever is wrong.

Precedence: defaults < profile < SURGECTL_* < flags. Every function here raises UsageError (exit 2) and nothing else for
anything a file can say.

- `load_rehearsal`, `load_target`, `load_retry_profile` give the struct alone;
- `open_rehearsal`, `open_target` also say where each value came from, and carry what the file refers to.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from surgectl import plugins
from surgectl.errors import UsageError, did_you_mean
from surgectl.profile import check_rehearsal, check_retry, check_target, lookup, yaml
from surgectl.profile.curve import RecordedCurve, read_curve
from surgectl.profile.kind import mapping, refuse_other_kind
from surgectl.profile.live_keys import refuse_live_keys
from surgectl.profile.node import BadFile, Fields, Issue, Node, find, laid_over, place_of, with_value
from surgectl.profile.overlay import with_settings
from surgectl.profile.reading import read
from surgectl.profile.rehearsal import Rehearsal
from surgectl.profile.retry import RetryProfile
from surgectl.profile.substitute import Secrets, Substitution
from surgectl.profile.target import Target


class OpenRehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """A profile with all that it refers to."""

    rehearsal: Rehearsal
    file: Path
    tree: Node
    """Where each value stands; SURGECTL_* and flags are laid over it."""
    target_file: Path | None
    retries: dict[str, RetryProfile]
    curves: dict[str, RecordedCurve]
    """Phase → its recorded curve."""
    secrets: Secrets

    @property
    def folder(self) -> Path:
        return self.file.parent


class OpenTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A target with what was put into it from outside."""

    target: Target
    file: Path
    tree: Node
    secrets: Secrets
    unset: tuple[str, ...] = ()
    """Variables that nobody set (only where `keep_unset` allowed it)."""

    @property
    def folder(self) -> Path:
        return self.file.parent


def load_rehearsal(name: str | Path, *, environ: Mapping[str, str] | None = None) -> Rehearsal:
    """The profile of a path, or of a bare name (./profiles, then the shipped ones)."""
    return open_rehearsal(name, environ=environ).rehearsal


def load_target(
    name: str | Path,
    variables: Mapping[str, str] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    over: OpenRehearsal | None = None,
    secrets: Secrets | None = None,
) -> Target:
    """The target of a path or bare name, with `${…}` from `variables` (the stage's, --set), then the environment.

    `over` is the rehearsal whose `promises:` and `stage:` are laid over the target's. `secrets` collects what must not
    be shown.
    """
    return open_target(name, variables, environ=environ, over=over, secrets=secrets).target


def load_retry_profile(name: str, *, near: Path | None = None) -> RetryProfile:
    """The retry profile of a name: `fans/NAME.yaml` near the rehearsal's folder, the shipped ones, then the entry
    points `surgectl.fans` (a callable that takes nothing and returns a RetryProfile)."""
    retry = _find_retry_profile(name, near, os.environ)
    if retry is None:
        known = retry_profile_names(near)
        raise UsageError(f'no such retry profile: "{name}"', hint=did_you_mean(name, known) or _there_are(known))
    return retry


def open_rehearsal(
    name: str | Path,
    *,
    seed: int | str | None = None,
    target: str | Path | None = None,
    sets: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> OpenRehearsal:
    """As `load_rehearsal`, with flags: `seed`, `target` and `sets` (dotted path → YAML text, from --set)."""
    environ = os.environ if environ is None else environ
    file = lookup.find(name, "profile", lookup.rehearsal_folders())
    source = lookup.shown(file)
    secrets = Secrets()
    tree = mapping(yaml.read(file, source), source)
    refuse_other_kind(tree, "surgectl", "profile")
    if (parts := tree.fields.get("rehearsals")) is not None:
        what = "this is a list of rehearsals, not a single one"
        raise BadFile([Issue(parts.place, "rehearsals", what, "run, plan and check play, draw and check lists")])
    flags = {**({"seed": str(seed)} if seed is not None else {}), **(sets or {})}
    if target is not None:
        flags["target"] = str(target)
    tree = with_settings(tree, environ, flags)
    tree = _substituted(tree, {}, environ, secrets, later=_COMMANDS)
    rehearsal = read(tree, Rehearsal)
    issues = check_rehearsal.check(rehearsal, tree)
    retries = _retries(rehearsal, file.parent, tree, environ, issues)
    curves = _curves(rehearsal, file.parent, tree, issues)
    target_file = _target_file(rehearsal, file.parent, tree, issues)
    if issues:
        raise BadFile(issues)
    return OpenRehearsal(
        rehearsal=rehearsal,
        file=file,
        tree=tree,
        target_file=target_file,
        retries=retries,
        curves=curves,
        secrets=secrets,
    )


def open_target(
    name: str | Path,
    variables: Mapping[str, str] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    over: OpenRehearsal | None = None,
    secrets: Secrets | None = None,
    keep_unset: bool = False,
    peek: bool = False,
) -> OpenTarget:
    """As `load_target`; `keep_unset` leaves `${NAME}` standing where nobody set it, for `plan` and `check`.

    `peek` does not yet ask whether the target has what `over` wants of it: first the stage says what it puts up.
    Links whose upstream is empty are not there.
    """
    environ = os.environ if environ is None else environ
    secrets = Secrets() if secrets is None else secrets
    file = lookup.find(name, "target", lookup.target_folders(over.folder if over else None))
    source = lookup.shown(file)
    tree = mapping(yaml.read(file, source), source)
    refuse_other_kind(tree, "surgectl-target", "target")
    if over is not None:
        for part in ("promises", "stage"):
            laid = find(over.tree, part)
            # A target without a stage is a shop of its own: settings of the stage mean nothing to it.
            if isinstance(laid, Fields) and laid.fields and not (part == "stage" and find(tree, part) is None):
                tree = mapping(with_value(tree, part, laid_over(find(tree, part), laid)), source)
    substitution = Substitution(variables or {}, environ, secrets, keep_unset=keep_unset)
    tree = mapping(substitution.tree(tree), source)
    if substitution.issues:
        raise BadFile(substitution.issues)
    target = read(tree, Target)
    if not target.live_keys:
        refuse_live_keys(tree)
    for secret in check_target.written_secrets(target):
        secrets.add(secret)
    issues = check_target.check(target, tree)
    there = {name: link for name, link in target.links.items() if link.proxy is not None or link.upstream != ""}
    declared, target = [*target.links], msgspec.structs.replace(target, links=there)
    if over is not None and not peek:
        issues += check_rehearsal.check_against(over.rehearsal, over.tree, target, declared)
    if issues:
        raise BadFile(issues)
    return OpenTarget(target=target, file=file, tree=tree, secrets=secrets, unset=tuple(substitution.unset))


def open_retry_profile(file: Path, *, environ: Mapping[str, str] | None = None) -> RetryProfile:
    """The retry profile of a file."""
    source = lookup.shown(file)
    tree = mapping(yaml.read(file, source), source)
    tree = _substituted(tree, {}, os.environ if environ is None else environ, Secrets())
    retry = read(tree, RetryProfile)
    issues = check_retry.check(retry, tree)
    if retry.name != file.stem:
        issues.append(Issue(place_of(tree, "name"), "name", f'"{retry.name}" stands in a file called "{file.stem}"'))
    if issues:
        raise BadFile(issues)
    return retry


def retry_profile_names(near: Path | None = None) -> list[str]:
    """Every retry profile that a rehearsal in the folder `near` may name."""
    return list(dict.fromkeys([*lookup.names_in(lookup.fan_folders(near)), *plugins.names("surgectl.fans")]))


_COMMANDS = re.compile(r"chaos\[[0-9]+\]\.exec\..*")
"""Their ${…} are put in when the rehearsal begins: a plan holds neither secrets nor where a stage stands."""


def _substituted(
    tree: Fields,
    variables: Mapping[str, str],
    environ: Mapping[str, str],
    secrets: Secrets,
    later: re.Pattern[str] | None = None,
) -> Fields:
    substitution = Substitution(variables, environ, secrets, later=later)
    substituted = substitution.tree(tree)
    if substitution.issues:
        raise BadFile(substitution.issues)
    return mapping(substituted, tree.place.source)


def _find_retry_profile(name: str, near: Path | None, environ: Mapping[str, str]) -> RetryProfile | None:
    file = lookup.find_named(name, lookup.fan_folders(near)) if lookup.is_bare(name) else None
    if file is not None:
        return open_retry_profile(file, environ=environ)
    made = plugins.load("surgectl.fans", name)
    if made is None:
        return None
    retry = made()
    if not isinstance(retry, RetryProfile):
        raise UsageError(f'surgectl.fans: "{name}" gave {type(retry).__name__}, not a RetryProfile')
    return retry


def _there_are(known: list[str]) -> str:
    return f"there are {', '.join(known)}" if known else "there are none"


def _retries(
    rehearsal: Rehearsal, near: Path, tree: Node, environ: Mapping[str, str], issues: list[Issue]
) -> dict[str, RetryProfile]:
    found: dict[str, RetryProfile] = {}
    for name in rehearsal.fans:
        path = f"fans.{name}"
        try:
            retry = _find_retry_profile(name, near, environ)
        except BadFile as error:
            issues.extend(error.issues)
            continue
        except UsageError as error:
            issues.append(Issue(place_of(tree, path), path, error.what, error.hint))
            continue
        if retry is None:
            known = retry_profile_names(near)
            hint = did_you_mean(name, known) or _there_are(known)
            issues.append(Issue(place_of(tree, path), path, "no such retry profile", hint))
        else:
            found[name] = retry
    return found


def _curves(rehearsal: Rehearsal, near: Path, tree: Node, issues: list[Issue]) -> dict[str, RecordedCurve]:
    curves: dict[str, RecordedCurve] = {}
    for number, phase in enumerate(rehearsal.load):
        if phase.file is None:
            continue
        path = f"load[{number}].file"
        file = near / phase.file
        try:
            curves[phase.phase] = read_curve(file, lookup.shown(file))
        except BadFile as error:
            issues.extend(Issue(place_of(tree, path), path, str(issue)) for issue in error.issues)
            continue
        lasts_s = curves[phase.phase].points[-1][0]
        if phase.for_ is not None and phase.for_ > lasts_s * 1e9:
            issues.append(
                Issue(
                    place_of(tree, f"load[{number}].for"), f"load[{number}].for", f"the curve lasts {lasts_s:g}s only"
                )
            )
    return curves


def _target_file(rehearsal: Rehearsal, near: Path, tree: Node, issues: list[Issue]) -> Path | None:
    """The file that `target:` means: relative to the profile, or to the working directory where a flag said it."""
    if rehearsal.target is None:
        return None
    place = place_of(tree, "target")
    name = rehearsal.target
    if lookup.is_bare(name):
        folders = lookup.target_folders(near)
        file = lookup.find_named(name, folders)
        known = lookup.names_in(folders)
    else:
        bases = [near, lookup.shipped()] if place.line else [Path()]
        file = next((base / name for base in bases if (base / name).exists()), None)
        known = [path for base in bases[:1] for path in _yaml_beside(base, name)]
    if file is None:
        hint = did_you_mean(name, known) or "a path, or the name of a file in targets/"
        issues.append(Issue(place, "target" if place.line else "", f'no such target: "{name}"', hint))
    return file


def _yaml_beside(base: Path, name: str) -> list[str]:
    folder = Path(name).parent
    if not (base / folder).is_dir():
        folder = Path("targets")
    return [str(folder / stem) + ".yaml" for stem in lookup.names_in([base / folder])]
