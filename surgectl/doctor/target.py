"""Is the target one that fans can play, and what could its books prove?"""

from __future__ import annotations

import shutil
from pathlib import Path

from surgectl.doctor.checkup import Checkup, Verdict
from surgectl.profile import words
from surgectl.profile.provable import kinds_of, provable
from surgectl.profile.rehearsal import Rehearsal
from surgectl.profile.target import Target


def look_at_target(target: Target, rehearsal: Rehearsal | None = None) -> list[Checkup]:
    """It was loaded and compiled; what its evidence can prove, and what a profile demands that it cannot."""
    steps = " → ".join(step.step for step in target.journey)
    many = "1 step" if len(target.journey) == 1 else f"{len(target.journey)} steps"
    found = [Checkup(part="target", name="journey", verdict="pass", what=f"{many}: {steps}")]
    kinds = kinds_of(target)
    if not kinds:
        fix = "say where the books are (evidence:), at least orders and charges"
        return [*found, _proof("note", "names no books: nothing can be proved, only latency can be judged", fix)]
    proof = provable(kinds)
    lost = dict(proof.lost)
    can = f"{len(proof.allowed)} of {len(proof.allowed) + len(lost)} invariants that need books can be proved"
    required = rehearsal.expect.invariants.require if rehearsal is not None else []
    short = {word: [one for one in words.invariants_of(word) if one in lost] for word in required}
    missing = sorted({one for ones in short.values() for one in ones})
    single = [word for word in required if word in lost]
    if single:
        books = sorted({book for one in single for book in lost[one]})
        what = f"{', '.join(single)} is required, and no book shows it: the run could only end inconclusive"
        found.append(_proof("fail", what, f"add evidence: {', '.join(books)}, or require less"))
    elif missing:
        books = sorted({book for one in missing for book in lost[one]})
        what = f"{can}; of {', '.join(word for word, ones in short.items() if ones)} not {', '.join(missing)}"
        found.append(_proof("note", what, f"would need evidence: {', '.join(books)}"))
    elif lost:
        found.append(_proof("note", f"{can}; not {', '.join(lost)}", "surgectl check names the book for each"))
    else:
        found.append(_proof("pass", can, ""))
    return found


def look_at_hooks(target: Target, folder: Path) -> list[Checkup]:
    """Whether the commands of setup and teardown are there. Runs neither."""
    found = []
    for name, hook in (("setup", target.setup), ("teardown", target.teardown)):
        if hook is None:
            continue
        program = hook.run[0]
        # As the run finds them: `python` is ours, a path is found from the target's folder.
        there = program == "python" or shutil.which(program) or shutil.which(str(folder / program))
        what = f"{program} is there" if there else f"{program}: no such program here"
        verdict: Verdict = "pass" if there else "fail"
        fix = "" if there else "a program on PATH, or its path from the target's folder"
        where = f"{name}.run"
        found.append(Checkup(part="target", name=f"{name} hook", verdict=verdict, what=what, where=where, fix=fix))
    return found


def _proof(verdict: Verdict, what: str, fix: str) -> Checkup:
    return Checkup(part="target", name="provable", verdict=verdict, what=what, where="evidence", fix=fix)
