"""The page docs/invariants.md, made of the checkers' own docstrings so that it cannot lie about them."""

from __future__ import annotations

import inspect

from surgectl.audit.checkers.registry import CHECKERS
from surgectl.profile.words import GROUPS, INVARIANTS

_HEAD = """# What surgectl proves

<!-- Made of docstrings in surgectl/audit/checkers by surgectl/audit/catalogue.py; kept in step by a test. -->

Three ledgers are reconciled: **F**, what fans saw (the recording); **P**, what the provider charged and refunded;
**S**, what the shop says (orders, tickets, stock). A ledger invariant is a fact about rows; a violated one gives exit
code 11.

## The rules under every verdict

"""

_RULES = {
    "R1": (
        "Only the authorities (provider, shop) convict; what fans saw gives bounds: confirmed ⊆ final ⊆ "
        "confirmed ∪ acknowledged ∪ unknown."
    ),
    "R2": "Ledgers are compared when nothing moves: no fan under way, two successive reads identical.",
    "R3": (
        "An eventual condition is *pending* until the settling window has passed (hold TTL + payments + "
        "webhooks + late refunds + reconciler + 20 %), a violation after it."
    ),
    "R4": (
        "A charge or an order belongs to an intent by an explicit key alone: a value that we minted and find "
        "word for word, or the fan's account where the row is dated since the run began. What links to nothing is "
        "counted as *unattributed* and convicts nobody."
    ),
    "R5": "Money is net of refunds.",
    "R6": ('"Was told no" means that *every* attempt was a definite no; one open attempt makes it *indeterminate*.'),
    "R7": '"Already purchased" to a second attempt is the truth about the second, not a denial of the first.',
    "R8": "Who wants two orders has two intents; shared cards and users are fine.",
    "R9": "A phantom needs a shop that nobody else uses.",
    "R10": (
        "Missing, incomplete or moving evidence, and a check that nothing exercised, are *unknown*, never a "
        "pass. fail > unknown > pass."
    ),
    "R11": (
        "What a run must have met (lost replies, payments in the fault …) is demanded by the profile; unmet, "
        "the run is inconclusive."
    ),
    "R12": (
        "A generator that could not keep up turns latencies, rates and availability to unknown; ledger verdicts stand."
    ),
    "R13": "The auditor is tried itself: correct histories never condemn, each planted defect is found.",
}

_TAIL = """
A check that was neither required nor possible says "not configured" and weighs nothing.
"""


def page() -> str:
    """The whole page as Markdown."""
    parts = [_HEAD, *(f"- **{rule}** {text}\n" for rule, text in _RULES.items()), _TAIL]
    groups = dict.fromkeys([INVARIANTS.get(name, "generator") for name in CHECKERS])
    for group in groups:
        parts.append(f"\n## {group}\n\n{GROUPS.get(group, 'Whether our own machine can be believed.')}\n")
        for name, check in CHECKERS.items():
            if INVARIANTS.get(name, "generator") == group:
                parts.append(_entry(name, inspect.getmodule(check).__doc__ or ""))
    return "".join(parts)


def _entry(name: str, doc: str) -> str:
    """A docstring's sentence, then its labelled paragraphs as a list."""
    sentence, _, rest = inspect.cleandoc(doc).partition("\n\n")
    items: list[str] = []
    for line in rest.splitlines():
        label = line.partition(":")[0]
        if label in ("Definition", "Inputs", "Settling", "Severity"):
            items.append(f"- **{label}**:{line.partition(':')[2]}")
        elif line:
            items[-1:] = [f"{items[-1]} {line}"] if items else [f"- {line}"]
    return f"\n### {name}\n\n{sentence}\n\n" + "\n".join(items) + "\n"
