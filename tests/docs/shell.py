"""The commands that the pages tell people to type.

A fence says what stands in it, and a test refuses one that does not (tests/docs/test_blocks.py):

    ```sh          commands: each `surgectl …` is held against the command line, each file it names must be there
    ```sh run      the same, and they are executed, in order (tests/docs/test_executed.py; a shop's own: tests/shops)
    ```text        what somebody sees: output, drawings

A line that ends otherwise than with 0 says so: `# exit 11`. WORDS in capitals and … stand for something of the
reader's: such a line is not executed. `<!-- makes: shop.yaml -->` says where a file comes from that no command makes;
where a block of data follows at once, that block is the file.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.docs.pages import ROOT

RUN = "sh run"
COMMANDS = ("sh", RUN)
OTHERS = ("text", "yaml", "json", "toml", "sql", "python", "groovy")
_FENCE = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_MAKES = re.compile(r"^<!-- makes: (\S+) -->\n(?:```\w+\n(.*?)^```)?", re.MULTILINE | re.DOTALL)
_PLACEHOLDER = re.compile(r"…|(?<![\w$/-])[A-Z]{3,}(?![\w=-])")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_FILE = re.compile(r"[\w./-]+\.(ya?ml|json|har|py|txt)")


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One fence of a page."""

    page: Path
    line: int
    kind: str
    """What stands behind the three ticks."""
    text: str
    at: int
    """Where it begins in the page, in characters."""

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One command line, as somebody would type it."""

    text: str
    exit_code: int = 0
    """As its comment says it."""

    @property
    def placeholder(self) -> bool:
        """Does something of the reader's stand in it?"""
        bare = re.sub(r"'[^']*'|\"[^\"]*\"", "", self.text)
        return bool(_PLACEHOLDER.search(bare))

    def commands(self) -> list[list[str]]:
        """Each simple command of it as words, without what is set before it and where its output goes."""
        lexer = shlex.shlex(self.text, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        found: list[list[str]] = [[]]
        redirected = False
        for word in lexer:
            if word in ("|", "&&", "||", ";", "&"):
                found.append([])
            elif word in (">", ">>", "<"):
                redirected = True
            elif redirected:
                redirected = False
            elif found[-1] or not _ASSIGNMENT.match(word):
                found[-1].append(word)
        return [command for command in found if command]


def blocks(page: Path) -> list[Block]:
    """Every fence of a page."""
    text = page.read_text("utf-8")
    return [
        Block(
            page=page,
            line=text.count("\n", 0, match.start()) + 1,
            kind=match[2].strip(),
            text=match[3],
            at=match.start(),
        )
        for match in _FENCE.finditer(text)
    ]


def lines(block: Block) -> list[Line]:
    """Its command lines: continued ones in one piece, comments taken off."""
    found = []
    whole = ""
    for part in block.text.replace("\\\n", " ").splitlines():
        whole = f"{whole}\n{part}" if whole else part
        if whole.count("'") % 2:
            continue  # an argument of several lines
        said, _, comment = whole.partition(" #")
        whole = ""
        if part.startswith("#") or not said.strip():
            continue
        code = re.search(r"exit (\d+)", comment)
        found.append(Line(text=said.strip(), exit_code=int(code[1]) if code else 0))
    return found


def made(page: Path, before: int) -> dict[str, str | None]:
    """Files that the page makes before that character → what is in them, where it says it."""
    text = page.read_text("utf-8")[:before]
    found: dict[str, str | None] = {match[1]: match[2] for match in _MAKES.finditer(text)}
    for block in blocks(page):
        if block.at < before and block.kind in COMMANDS:
            found |= dict.fromkeys(outputs(block.text))
    return found


def outputs(text: str) -> Iterator[str]:
    """Files that a command says it writes."""
    yield from re.findall(r"(?:-o|--output|>) (\S+)", text)


def files(words: list[str]) -> list[str]:
    """Those words of a command that name a file or a recording."""
    values = [word.partition("=")[2] if word.startswith("--") and "=" in word else word for word in words]
    return [word for word in values if _FILE.fullmatch(word) or word.startswith("reports/")]
