"""What a hostile shop says: everything that ever broke a page, a terminal, an XML reader or a JSON reader."""

from __future__ import annotations

import math
from functools import cache

import msgspec

from surgectl.audit.finding import Example, Moment
from surgectl.report.summary import CoverageLine, Summary, ThresholdLine
from tests.report.sample import summary

SCRIPT = '<script>document.title="owned"</script></script><img src=x onerror=\'document.title="owned"\'>'
ATTRIBUTE = "\" onmouseover=\"document.title='owned'\" x='"
TERMINAL = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x9b5m\x08\x08\r"
TURNED = "\u202egnp.exe\u2066\u200f\ufeff"
BROKEN = "half \ud83d a character, NUL \0, not a character \ufffe\uffff, ]]> --> {{ 7 * 7 }} {% raw %}"
EVIL = f"{SCRIPT}{ATTRIBUTE}{TERMINAL}{TURNED}{BROKEN}\nsecond line"
FLOOD = "<A&" * 350_000


@cache
def hostile(flood: str = FLOOD) -> Summary:
    """The sample, with hostile text wherever a target has a say."""
    calm = summary()
    moments = [Moment(at_s=9.5 + i, lane="shop", text=EVIL, where=EVIL) for i in range(5)]
    moments.append(Moment(at_s=math.nan, lane="provider", text=flood))
    examples = [
        Example(what=EVIL, intent=EVIL, fan=1, keys={EVIL: EVIL, "flood": flood}, timeline=moments) for _ in range(40)
    ]
    findings = [
        msgspec.structs.replace(f, summary=EVIL, reason=flood, examples=examples, numbers={EVIL: math.inf})
        for f in calm.invariants
    ]
    return msgspec.structs.replace(
        calm,
        headline=EVIL,
        next_steps=[EVIL, flood],
        invariants=findings,
        run=msgspec.structs.replace(
            calm.run,
            profile=EVIL[:40],
            target=EVIL,
            command=EVIL,
            facts={EVIL: EVIL, "flood": flood},
            phases=[{"name": EVIL, "from_s": 1.0, "to_s": 2.0}],
        ),
        coverage=[CoverageLine(id=EVIL, required=EVIL, seen=flood, met=False)],
        thresholds=[ThresholdLine(expression=EVIL, verdict="unknown", observed=flood, reason=EVIL)],
        chaos=[msgspec.structs.replace(calm.chaos[0], link=EVIL, brownout=SCRIPT, detail=flood)],
        metrics={**calm.metrics, "nan": math.nan, EVIL: EVIL, "flood": flood},
        generator={"lag_p99_ms": math.inf, EVIL: flood},
        sources=[{"kind": EVIL, "rows": 1, "complete": False, "stable": False, "error": flood}],
        links={EVIL: math.nan},
    )
