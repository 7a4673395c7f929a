"""Every small way in which a slip of the hand could break a module: its SQL and its Python, one breakage at a time.

Sentences are left alone. What a checker convicts by (its SQL's WHERE, HAVING and QUALIFY, the tests before a Violation,
what it hands to the case) is marked. Who objects to a breakage is seen in mutants.py.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from types import CodeType, ModuleType
from typing import Any

import msgspec

Undo = Callable[[], None]


class Mutant(msgspec.Struct, frozen=True):
    """One breakage of one module's source."""

    id: str
    """Where, and what became what: it survives edits elsewhere."""
    convicts: bool
    """It bends what the checker convicts by."""
    compiled: Callable[[], CodeType]
    """The broken module."""

    @property
    def told(self) -> str:
        """As a survivor is noted down."""
        return ("! " if self.convicts else "  ") + self.id


# -- breaking SQL

_HOLE = "\x00"
"""Stands for what Python puts into an f-string."""
_TOKEN = re.compile(r"""--[^\n]*|'(?:[^']|'')*'|"[^"]*"|\s+|\d+(?:\.\d+)?|\w+|<>|<=|>=|!=|->>?|::|\|\||.""", re.DOTALL)
_SWAPS: dict[str, tuple[str, ...]] = {
    ">": (">=", "<="),
    ">=": (">", "<"),
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    "=": ("<>",),
    "<>": ("=",),
    "AND": ("OR",),
    "OR": ("AND",),
    "ANTI": ("SEMI",),
    "SEMI": ("ANTI",),
    "0": ("1",),
    "1": ("0",),
}
_CLAUSES = {"SELECT", "FROM", "WHERE", "GROUP", "HAVING", "QUALIFY", "ORDER", "WINDOW", "LIMIT", "ON", "USING", "UNION"}
_JOINS = {"JOIN", "LEFT", "RIGHT", "FULL", "INNER", "CROSS", "SEMI", "ANTI", "EXCEPT", "INTERSECT"}
_ENDS = _CLAUSES | _JOINS | {"THEN", "ELSE", "WHEN", "END", ",", ")"}
_CONVICTING = {"WHERE", "HAVING", "QUALIFY"}


class _Word(msgspec.Struct, frozen=True):
    """One significant token of a query."""

    at: int
    """Its place among all tokens."""
    text: str
    clauses: tuple[str, ...]
    """The clauses it stands in, the innermost last."""

    @property
    def convicts(self) -> bool:
        return any(clause in _CONVICTING for clause in self.clauses)


def sql_mutations(query: str) -> Iterator[tuple[str, bool, str]]:
    """Each breakage of a query: its name, whether it bends a condition, and the broken query."""
    tokens = _TOKEN.findall(query)
    words = list(_words(tokens))

    def told(at: int, new: str, upto: int | None = None) -> str:
        upto = at + 1 if upto is None else upto
        before = " ".join(word.text for word in words[max(0, at - 4) : at])
        was = " ".join(word.text for word in words[at:upto])
        after = " ".join(word.text for word in words[upto : upto + 4])
        was = was if len(was) <= 60 else f"{was[:60]}…"
        return f"{before} [{was} → {new or 'nothing'}] {after}".replace(_HOLE, "_")

    def bent(changes: dict[int, str]) -> str:
        return "".join(changes.get(at, token) for at, token in enumerate(tokens))

    for at, word in enumerate(words):
        upper = word.text.upper()
        following = words[at + 1].text.upper() if at + 1 < len(words) else ""
        previous = words[at - 1].text.upper() if at else ""
        if previous == "SELECT" and "EXISTS" in [w.text.upper() for w in words[max(0, at - 3) : at]]:
            continue  # what an EXISTS selects, nobody sees
        if upper == "AND" and any(w.text.upper() == "BETWEEN" for w in words[max(0, at - 3) : at]):
            continue
        for new in _SWAPS.get(upper, ()):
            yield told(at, new), word.convicts, bent({word.at: new})
        if upper == "IS" and following == "NULL":
            yield told(at, "IS NOT"), word.convicts, bent({word.at: "IS NOT"})
        if upper == "NOT":
            yield told(at, ""), word.convicts, bent({word.at: ""}) if previous != "IS" or following == "NULL" else query
        if upper in ("AND", "WHERE", "HAVING", "QUALIFY", "ON") and at + 1 < len(words):
            upto = _conjunct(words, at + 1)
            if upper == "AND" or (upto < len(words) and words[upto].text.upper() == "AND"):
                first, last = words[at + 1], words[upto - 1]
                changes = {first.at: f"(TRUE OR ({tokens[first.at]}", last.at: f"{tokens[last.at]}))"}
                if first.at == last.at:
                    changes = {first.at: f"(TRUE OR ({tokens[first.at]}))"}
                yield told(at + 1, "TRUE", upto), first.convicts, bent(changes)


def _words(tokens: Sequence[str]) -> Iterator[_Word]:
    stack = [""]
    for at, token in enumerate(tokens):
        if token.isspace() or token.startswith("--"):
            continue
        upper = token.upper()
        if upper in _CLAUSES:
            stack[-1] = upper
        yield _Word(at, token, tuple(stack))
        if token == "(":
            stack.append("")
        elif token == ")" and len(stack) > 1:
            stack.pop()


def _conjunct(words: Sequence[_Word], start: int) -> int:
    """Where the conjunct that begins here ends (exclusive)."""
    depth = cases = 0
    for at in range(start, len(words)):
        text = words[at].text.upper()
        if not depth and not cases and (text in _ENDS or text in ("AND", "OR")):
            return at
        depth += (text == "(") - (text == ")")
        cases += (text == "CASE") - (text == "END")
    return len(words)


# -- breaking Python

_COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_HANDED = {
    "violations",
    "violated",
    "breaches",
    "doubts",
    "pending",
    "indeterminate",
    "doubt",
    "access",
    "strays",
    "snapshot",
    "conditional",
    "inapplicable",
    "unjudged",
}
"""What a checker hands to its case, and may forget."""
_CONVICTING_WORDS = ("violations", "violated", "breaches", "access", "pending")
_GATHERED = re.compile(r"\b\w*(?:found|breach|violation)\w*\.(?:append|extend|setdefault)\(")


class _Breaker:
    """All the breakages of one module's tree, one at a time and each undone."""

    def __init__(self, source: str, file: str) -> None:
        self.tree = ast.parse(source)
        self.file = file
        self.seen: dict[str, int] = {}

    def mutants(self) -> Iterator[Mutant]:
        for top in self.tree.body:
            where = getattr(top, "name", "") or ", ".join(
                target.id for target in getattr(top, "targets", []) if isinstance(target, ast.Name)
            )
            if not isinstance(top, ast.Import | ast.ImportFrom | ast.ClassDef | ast.Expr):
                yield from self._in(top, where, False)

    def _in(self, node: ast.AST, where: str, convicts: bool) -> Iterator[Mutant]:
        yield from self._here(node, where, convicts)
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list"):
                continue
            if _is_words(node, field):
                continue
            inside = convicts or self._convicting(node, field)
            for child in value if isinstance(value, list) else [value]:
                documents = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
                if isinstance(child, ast.AST) and not documents and not _is_sql_text(node, child):
                    yield from self._in(child, where, inside)

    @staticmethod
    def _convicting(node: ast.AST, field: str) -> bool:
        if isinstance(node, ast.If) and field == "test":
            return any(_gathers(inner) for inner in node.body)
        if isinstance(node, ast.ListComp | ast.GeneratorExp) and field == "generators":
            return "Violation(" in ast.unparse(node.elt)
        return isinstance(node, ast.keyword) and node.arg in _CONVICTING_WORDS

    def _here(self, node: ast.AST, where: str, convicts: bool) -> Iterator[Mutant]:
        if (query := _sql(node)) is not None:
            for said, conditional, broken in sql_mutations(query):
                if broken != query:
                    yield self._made(where, said, conditional, lambda b=broken: _say(node, b))  # type: ignore[misc]
        elif isinstance(node, ast.Compare):
            for at, op in enumerate(node.ops):
                for other in _COMPARED.get(type(op), ()):
                    changed = [*node.ops[:at], other(), *node.ops[at + 1 :]]
                    yield self._made(where, _became(node, ops=changed), convicts, _set(node, ops=changed))
        elif isinstance(node, ast.BoolOp):
            other_op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield self._made(where, _became(node, op=other_op), convicts, _set(node, op=other_op))
            for at in range(len(node.values)):
                if isinstance(node.values[at], ast.Constant):
                    continue  # `x or 0`: nothing to lose
                nothing = ast.Constant(isinstance(node.op, ast.And))
                fewer = [*node.values[:at], nothing, *node.values[at + 1 :]]
                yield self._made(where, _became(node, values=fewer), convicts, _set(node, values=fewer))
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            change = {"op": ast.Not(), "operand": ast.UnaryOp(ast.Not(), node.operand)}
            yield self._made(where, _became(node, **change), convicts, _set(node, **change))
        elif isinstance(node, ast.Constant) and type(node.value) in (bool, int) and node.value in (0, 1):
            value = not node.value if isinstance(node.value, bool) else 1 - int(str(node.value))
            yield self._made(where, f"{node.value} → {value}", convicts, _set(node, value=value))
        if isinstance(node, ast.If | ast.IfExp) and not isinstance(node.test, ast.Compare | ast.UnaryOp):
            counts = isinstance(node, ast.If) and any(_gathers(inner) for inner in node.body)
            said = f"if {_short(node.test)} → if not"
            yield self._made(where, said, convicts or counts, _set(node, test=ast.UnaryOp(ast.Not(), node.test)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Case", "Statistic"):
            for at, handed in enumerate(node.keywords):
                if handed.arg in _HANDED:
                    fewer_handed = node.keywords[:at] + node.keywords[at + 1 :]
                    said = f"{handed.arg}={_short(handed.value)} → forgotten"
                    convicting = handed.arg in _CONVICTING_WORDS
                    yield self._made(where, said, convicting, _set(node, keywords=fewer_handed))
        if isinstance(node, ast.Attribute) and node.attr == "settled":
            yield self._made(where, f"{_short(node)} → ignored", True, lambda: _become(node, ast.Constant(True)))

    def _made(self, where: str, said: str, convicts: bool, change: Callable[[], Undo]) -> Mutant:
        name = f"{where}: {' '.join(said.split())}"
        self.seen[name] = self.seen.get(name, 0) + 1
        if self.seen[name] > 1:
            name += f" ({self.seen[name]})"
        return Mutant(name, convicts, lambda: self._compiled(change))

    def _compiled(self, change: Callable[[], Undo]) -> CodeType:
        undo = change()
        try:
            return compile(ast.fix_missing_locations(self.tree), self.file, "exec")
        finally:
            undo()


def _is_words(node: ast.AST, field: str) -> bool:
    """What is only said, and judges nothing: the holes of a sentence, the sentences of a case, numbers on the side."""
    said = isinstance(node, ast.FormattedValue | ast.JoinedStr) and _sql(node) is None
    return said or (isinstance(node, ast.keyword) and node.arg in ("holds", "broken", "numbers") and field == "value")


def _gathers(node: ast.AST) -> bool:
    """Whether a violation is put aside here."""
    text = ast.unparse(node)
    return "Violation(" in text or bool(_GATHERED.search(text))


def _sql(node: ast.AST) -> str | None:
    """The query that a string or f-string is, each hole of it as _HOLE; None for another string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        text = node.value
    elif isinstance(node, ast.JoinedStr):
        text = "".join(str(part.value) if isinstance(part, ast.Constant) else _HOLE for part in node.values)
    else:
        return None
    return text if re.search(r"\bSELECT\b", text) else None


def _is_sql_text(parent: ast.AST, child: ast.AST) -> bool:
    """A piece of an f-string: its query is broken as a whole."""
    return isinstance(parent, ast.JoinedStr) and isinstance(child, ast.Constant)


def _say(node: ast.AST, broken: str) -> Undo:
    if isinstance(node, ast.Constant):
        return _set(node, value=broken)()
    assert isinstance(node, ast.JoinedStr)
    holes = iter([part for part in node.values if not isinstance(part, ast.Constant)])
    parts: list[ast.expr] = []
    for at, text in enumerate(broken.split(_HOLE)):
        parts += [*([next(holes)] if at else []), ast.Constant(text)]
    return _set(node, values=parts)()


def _set(node: ast.AST, **fields: Any) -> Callable[[], Undo]:
    """A change of some fields of a node, not made yet."""

    def change() -> Undo:
        before = {name: getattr(node, name) for name in fields}
        _assign(node, fields)
        return lambda: _assign(node, before)

    return change


def _assign(node: ast.AST, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        setattr(node, name, value)


def _become(node: ast.AST, other: ast.expr) -> Undo:
    """Turn a node into another kind in place."""
    kind, fields = type(node), dict(vars(node))
    node.__class__ = type(other)
    vars(node).clear()
    vars(node).update(vars(other))

    def undo() -> None:
        node.__class__ = kind
        vars(node).clear()
        vars(node).update(fields)

    return undo


def _became(node: ast.expr, **fields: Any) -> str:
    undo = _set(node, **fields)()
    try:
        after = _short(node)
    finally:
        undo()
    return f"{_short(node)} → {after}"


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 100 else f"{text[:100]}…"


def mutants_of(module: ModuleType) -> list[Mutant]:
    """Every breakage of a module, in the order of its source."""
    return list(_Breaker(inspect.getsource(module), module.__file__ or "").mutants())
