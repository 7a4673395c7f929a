"""A number the user demands, read from one line: `p99(confirm) < 3s`.

    threshold  = function "(" name ")" comparison bound [ "of" retry profile ] [ scope ] [ window ] [ "abort" ]
    function   = pNN[.N] | median | mean | min | max          a duration:  p99(confirm) < 3s
               | availability | error_rate                    a share:     availability(about) >= 99.9%
               | amplification                                a factor:    amplification(payments) <= 2
               | rate                                         per second:  rate(confirmed) >= 20/s
               | goodput                                      either:      goodput(confirmed) >= 20/s, ... >= 80%
               | count                                        a count:     count(dropped) <= 0
               | recovery | drain                             a duration:  recovery(payments) < 30s
    comparison = "<" | "<=" | ">" | ">="
    scope      = ( "before" | "during" | "after" ) fault | "in" phase
    window     = ( "for" | "within" ) whole seconds           p95(pay) < 3s for 10s

A fault is named by its link, its brownout or its number in the timeline; `fault` means any. A scope selects by the
instant a thing was *due*: a send that was planned inside the window counts there, however late it went out.

Windows are those of Taurus' passfail (https://gettaurus.org/docs/PassFail), turned round: there one writes what fails,
here what is demanded. Time is cut into steps of a second, and of those only the ones that lie wholly in the scope are
looked at. Where only longer steps were kept (the report of a very long run), what they do not decide is unknown.
- `for 10s`: fails if the demand is broken in every step of a stretch of 10 s or more. A step without a single sample
  neither breaks the demand nor keeps it; a stretch begins and ends with a step that breaks it.
- `within 10s`: fails if the demand is broken by all samples together of some 10 s on end.
Without a window the demand is on all samples of the scope together. `abort` stops the run in the second in which the
demand is seen to be broken; without a window that is: by everything so far. What can only be known at the end, or is
broken as long as nothing has happened, cannot abort, or not without a window.
"""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec

from surgectl.errors import UsageError, did_you_mean
from surgectl.thresholds.threshold import FATES, Comparison, How, Kind, Scope, Span, Statistic, Threshold, Unit, When
from surgectl.units import NS_PER_S, parse_duration_ns, parse_rate_per_s

_UNITS: dict[Kind, Unit] = {
    "latency": "ns",
    "availability": "share",
    "error_rate": "share",
    "amplification": "factor",
    "rate": "per_s",
    "goodput": "per_s",
    "goodput_share": "share",
    "count": "count",
    "recovery": "ns",
    "drain": "ns",
}
_PLAIN: dict[str, Kind] = {
    "availability": "availability",
    "error_rate": "error_rate",
    "amplification": "amplification",
    "rate": "rate",
    "goodput": "goodput",
    "count": "count",
    "recovery": "recovery",
    "drain": "drain",
}
_STATISTICS: dict[str, Statistic] = {"mean": "mean", "min": "min", "max": "max"}
_FUNCTIONS = (*_PLAIN, *_STATISTICS, "median", "p50", "p90", "p95", "p99", "p99.9")
_TRY: dict[Unit, str] = {
    "ns": "try 3s or 250ms",
    "share": "try 99.9%",
    "factor": "try 2",
    "per_s": "try 20/s",
    "count": "try 10",
}
_WHENS: tuple[When, ...] = ("before", "during", "after", "in")
_HOWS: tuple[How, ...] = ("for", "within")
_TAILS = ("of", *_WHENS, *_HOWS, "abort")
_TAIL_HINT = "of PROFILE; during, after or before FAULT, in PHASE; for 10s, within 30s; abort"
_AFTERMATH = ("recovery", "drain")
_LONGEST_NS = 3600 * NS_PER_S

_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"[A-Za-z_][\w.\-]*")
_NAME = re.compile(r"[A-Za-z0-9_][\w.\-]*")
_COMPARE = re.compile(r"<=|>=|<|>")
_BOUND = re.compile(r"-?[0-9][^\s]*")
_NUMBER = re.compile(r"\d+(\.\d+)?")
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")


class ThresholdError(UsageError):
    """A threshold that cannot be meant; `at` is the offset of the character to look at."""

    def __init__(self, what: str, *, text: str, at: int, hint: str | None = None) -> None:
        self.text = text
        self.at = at
        super().__init__(f"threshold {text!r}, character {at + 1}: {what}", hint=hint)

    def caret(self) -> str:
        """The threshold with a caret under the character in question, on two lines."""
        return f"{self.text}\n{' ' * self.at}^"


def parse(text: str) -> Threshold:
    """`p99(confirm) < 3s during payments` → Threshold. ThresholdError (exit 2) points at the character."""
    return _Reader(text).threshold()


class _Reader:
    """Reads a threshold from left to right, knowing where it stands."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def fail(self, what: str, *, at: int | None = None, hint: str | None = None) -> ThresholdError:
        return ThresholdError(what, text=self.text, at=self.at if at is None else at, hint=hint)

    def skip(self) -> None:
        match = _SPACE.match(self.text, self.at)
        if match:
            self.at = match.end()

    def take(self, pattern: re.Pattern[str], what: str, hint: str | None = None) -> tuple[str, int]:
        self.skip()
        match = pattern.match(self.text, self.at)
        if not match:
            found = f"found {self.text[self.at]!r}" if self.at < len(self.text) else "the text ends"
            raise self.fail(f"expected {what}, {found}", hint=hint)
        start, self.at = self.at, match.end()
        return match[0], start

    def symbol(self, char: str, what: str) -> None:
        self.take(re.compile(re.escape(char)), what)

    def threshold(self) -> Threshold:
        word, start = self.take(_WORD, "a function such as p99 or availability", "try p99(confirm) < 3s")
        kind, statistic, percentile = self.function(word, start)
        self.symbol("(", f"( after {word}")
        metric, metric_at = self.take(_NAME, f"what to measure, as in {word}(confirm)")
        self.symbol(")", f") after {metric}")
        comparison, _ = self.take(_COMPARE, "a comparison", "one of < <= > >=")
        unit = _UNITS[kind]
        hint = "try 20/s or 80%" if kind == "goodput" else _TRY[unit]
        bound_text, bound_at = self.take(_BOUND, "a bound", hint)
        if kind == "goodput":
            if metric not in ("resolved", *FATES):
                known = ("resolved", *FATES)
                raise self.fail(
                    f"{metric!r} is no fate", at=metric_at, hint=did_you_mean(metric, known) or ", ".join(known)
                )
            if bound_text.endswith("%"):
                kind = "goodput_share"
                unit = _UNITS[kind]
        bound = self.bound(bound_text, bound_at, unit)
        threshold = Threshold(
            text=self.text.strip(),
            kind=kind,
            statistic=statistic,
            metric=metric,
            comparison=_comparison(comparison),
            bound=bound,
            unit=unit,
            percentile=percentile,
            at={"metric": metric_at},
        )
        return self.tail(threshold)

    def function(self, word: str, start: int) -> tuple[Kind, Statistic, float | None]:
        if word in _PLAIN:
            return _PLAIN[word], "value", None
        if word in _STATISTICS:
            return "latency", _STATISTICS[word], None
        if word == "median":
            return "latency", "percentile", 50.0
        match = _PERCENTILE.fullmatch(word)
        if match and 0 < float(match[1]) < 100:
            return "latency", "percentile", float(match[1])
        if re.fullmatch(r"p\d+(\.\d+)?", word):
            raise self.fail(f"{word} is not a percentile", at=start, hint="from p1 to p99.999; the largest is max")
        hint = did_you_mean(word, _FUNCTIONS) or "one of " + ", ".join(_FUNCTIONS)
        raise self.fail(f"no such function {word!r}", at=start, hint=hint)

    def bound(self, text: str, at: int, unit: Unit) -> float:
        if text.startswith("-"):
            raise self.fail("a bound is never negative", at=at, hint=_TRY[unit])
        try:
            if unit == "ns":
                return float(parse_duration_ns(text))
            if unit == "per_s":
                return parse_rate_per_s(text)
        except ValueError as error:
            raise self.fail(str(error), at=at) from error
        if unit == "share":
            if not text.endswith("%") or not _NUMBER.fullmatch(text[:-1]):
                raise self.fail(f"{text!r} is not a share", at=at, hint=_TRY[unit])
            # Decimal, so that 99.9% is the very float that 999/1000 is: the edge itself must count as reached.
            share = float(Decimal(text[:-1]) / 100)
            if share > 1:
                raise self.fail(f"{text!r} is more than the whole", at=at, hint=_TRY[unit])
            return share
        if not _NUMBER.fullmatch(text):
            raise self.fail(f"{text!r} is not a plain number", at=at, hint=_TRY[unit])
        return float(text)

    def tail(self, threshold: Threshold) -> Threshold:
        """Whose, when, for how long, and whether it stops the run: each at most once, `abort` last."""
        said: set[str] = set()
        while True:
            self.skip()
            if self.at == len(self.text):
                return threshold
            word, start = self.take(_WORD, "a scope, a window or the end", _TAIL_HINT)
            what = "scope" if word in _WHENS else "window" if word in _HOWS else word
            if word not in _TAILS:
                raise self.fail(
                    f"{word!r} is not a scope or window", at=start, hint=did_you_mean(word, _TAILS) or _TAIL_HINT
                )
            if "abort" in said:
                raise self.fail("nothing may follow abort", at=start)
            if what in said:
                raise self.fail(f"a second {what}", at=start, hint="a threshold has one of each at most")
            said.add(what)
            if threshold.kind in _AFTERMATH:
                why = "is only known at the end" if word == "abort" else "looks at the time after a fault by itself"
                raise self.fail(f"{threshold.kind} {why}", at=start, hint=f"leave {word!r} out")
            if word == "of":
                threshold = self.whose(threshold, start)
            elif word == "abort":
                self.may_abort(threshold, start)
                threshold = msgspec.structs.replace(threshold, abort=True)
            elif what == "window":
                threshold = msgspec.structs.replace(threshold, span=self.window(word))
            else:
                threshold = self.scope(threshold, word)

    def whose(self, threshold: Threshold, start: int) -> Threshold:
        name, at = self.take(_NAME, "a retry profile after of", "one that the profile's `fans:` name")
        if threshold.kind == "availability":
            raise self.fail("availability is measured by probes, which are no fans", at=start, hint="leave 'of' out")
        if threshold.kind in ("count", "rate") and threshold.metric == "dropped":
            raise self.fail("who was dropped never became anybody", at=start, hint="leave 'of' out")
        if threshold.kind == "amplification" and threshold.metric in ("payments", "provider"):
            raise self.fail("the provider does not know whose payment it is", at=start, hint="try amplification(pay)")
        return msgspec.structs.replace(threshold, of=name, at={**threshold.at, "of": at})

    def scope(self, threshold: Threshold, word: str) -> Threshold:
        name, at = self.take(_NAME, f"a name after {word}", "the fault's link, brownout or number; a phase's name")
        when = next(when for when in _WHENS if when == word)
        return msgspec.structs.replace(threshold, scope=Scope(when=when, name=name), at={**threshold.at, "scope": at})

    def window(self, word: str) -> Span:
        text, at = self.take(_BOUND, f"a duration after {word}", "try 10s")
        try:
            lasting_ns = parse_duration_ns(text)
        except ValueError as error:
            raise self.fail(str(error), at=at) from error
        if lasting_ns % NS_PER_S or not NS_PER_S <= lasting_ns <= _LONGEST_NS:
            raise self.fail(f"{text!r} is not a window", at=at, hint="whole seconds, 1s to 1h")
        return Span(how=next(how for how in _HOWS if how == word), lasting_ns=lasting_ns)

    def may_abort(self, threshold: Threshold, start: int) -> None:
        """A demand that nobody can judge before the end must not pretend to watch."""
        if threshold.kind == "amplification" and threshold.metric in ("payments", "provider", "fans"):
            said = f"amplification({threshold.metric}) is only known at the end"
            raise self.fail(said, at=start, hint="one step's can abort: amplification(pay)")
        if threshold.kind == "goodput_share":
            raise self.fail("how many were wanted is only known at the end", at=start, hint="try goodput(...) >= 20/s")
        at_least = threshold.comparison in (">", ">=")
        if threshold.kind in ("count", "rate") and threshold.metric == "sent" and at_least:
            raise self.fail("a send is only counted once it is answered", at=start, hint="leave abort out")
        if threshold.span is None and threshold.kind == "count" and at_least:
            raise self.fail("so many may still come: it is only known at the end", at=start, hint="leave abort out")
        if threshold.span is None and threshold.kind in ("rate", "goodput") and at_least:
            raise self.fail("at the beginning nothing has happened yet", at=start, hint="try for 10s abort")


def _comparison(text: str) -> Comparison:
    for known in _COMPARISONS:
        if text == known:
            return known
    raise AssertionError(text)  # the pattern lets nothing else through


_COMPARISONS: tuple[Comparison, ...] = ("<", "<=", ">", ">=")
