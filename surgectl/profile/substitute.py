"""Put values from outside into a file's text, and remember them so that they are never shown.

`${NAME}` is replaced, `${NAME:-words}` falls back to the words, `$${NAME}` stays as `${NAME}`. A whole file is read
before anything is put in, so a value can never change the file's structure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from surgectl.errors import did_you_mean
from surgectl.profile.node import Field, Fields, Issue, Items, Node, Place, Scalar, join

_NAME = re.compile(r"(\$?)\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_BROKEN = re.compile(r"(?<!\$)\$\{")
_SENSITIVE = re.compile(r"KEY|SECRET|TOKEN|PASS|DSN|CREDENTIAL|AUTH", re.IGNORECASE)
SHORTEST_SECRET = 4
"""Shorter values cannot be told from ordinary text: hiding every `1` would hide the report."""


class Secrets:
    """Values that came from outside. `redact` takes them out of anything that is written or shown."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._many: dict[str, set[str]] = {}
        """Of thousands: the first signs → those that begin so."""
        for value in values:
            self.add(value)

    def add(self, value: str) -> None:
        if len(value) >= SHORTEST_SECRET and value not in self._values:
            self._values.add(value)
            # Longest first: a secret inside a longer one must not leave the rest of it standing.
            ordered = sorted(self._values, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, ordered)))

    def add_all(self, values: Iterable[str]) -> None:
        """A whole column of them: however many there are, a text takes as long to look through."""
        for value in values:
            if len(value) >= SHORTEST_SECRET:
                self._many.setdefault(value[:SHORTEST_SECRET], set()).add(value)

    def redact(self, text: str) -> str:
        """The text with every secret as `***`."""
        if self._many:
            text = self._without_many(text)
        return self._pattern.sub("***", text) if self._pattern else text

    def _without_many(self, text: str) -> str:
        heads = self._many
        ends = range(SHORTEST_SECRET, len(text) + 1)
        if heads.keys().isdisjoint([text[end - SHORTEST_SECRET : end] for end in ends]):
            return text
        pieces: list[str] = []
        at = begun = 0
        while at + SHORTEST_SECRET <= len(text):
            found = [value for value in heads.get(text[at : at + SHORTEST_SECRET], ()) if text.startswith(value, at)]
            if found:
                pieces += (text[begun:at], "***")
                at = begun = at + max(map(len, found))
            else:
                at += 1
        pieces.append(text[begun:])
        return "".join(pieces)

    def __len__(self) -> int:
        return len(self._values) + sum(map(len, self._many.values()))

    def __repr__(self) -> str:
        return f"<Secrets: {len(self)}>"


class Substitution:
    """One pass over a tree: what was put in, what was missing."""

    def __init__(
        self,
        variables: Mapping[str, str],
        environ: Mapping[str, str],
        secrets: Secrets,
        *,
        keep_unset: bool = False,
        later: re.Pattern[str] | None = None,
    ) -> None:
        """`later`: paths whose values are left as they stand."""
        self._variables = variables
        self._environ = environ
        self._secrets = secrets
        self._keep_unset = keep_unset
        self._later = later
        self.issues: list[Issue] = []
        self.unset: dict[str, Place] = {}

    def tree(self, node: Node, path: str = "") -> Node:
        """The same tree with values put in; unset names become issues, or stay where `keep_unset` says so."""
        if isinstance(node, Scalar):
            return self._scalar(node, path)
        if isinstance(node, Items):
            return Items(tuple(self.tree(item, f"{path}[{n}]") for n, item in enumerate(node.items)), node.place)
        fields = {
            key: Field(self.tree(field.value, join(path, key)), field.place) for key, field in node.fields.items()
        }
        return Fields(fields, node.place)

    def _scalar(self, node: Scalar, path: str) -> Scalar:
        if "${" not in node.text or (self._later is not None and self._later.fullmatch(path)):
            return node
        rest = _NAME.sub("", node.text)
        if _BROKEN.search(rest):
            self.issues.append(Issue(node.place, path, "a ${…} that cannot be read", "write ${NAME} or ${NAME:-words}"))
            return node
        text = _NAME.sub(lambda match: self._value(match, node, path), node.text)
        return Scalar(text, node.place, node.plain and bool(text))  # nothing put in is an empty text, quotes or not

    def _value(self, match: re.Match[str], node: Scalar, path: str) -> str:
        escaped, name, fallback = match.groups()
        if escaped:
            return match[0][1:]
        for values in (self._variables, self._environ):
            value = values.get(name)
            if value == "" and fallback is not None and values is self._variables:
                break  # said to be empty: the environment's is not meant
            if value is not None and (value or fallback is None):
                if values is self._environ or self._environ.get(name) == value or _SENSITIVE.search(name):
                    self._secrets.add(value)
                return value
        if fallback is not None:
            return str(fallback)
        self.unset.setdefault(name, node.place)
        if not self._keep_unset:
            hint = did_you_mean(name, [*self._variables, *self._environ])
            self.issues.append(
                Issue(node.place, path, f"${{{name}}} is not set", hint or f"set it, or write ${{{name}:-default}}")
            )
        return match[0]
