"""Writes text into a target file so that its braces are braces."""

from __future__ import annotations

import re

_BLANK = re.compile(r"\{([A-Za-z_][\w.\[\]-]*)\}")


def key_literal(name: str) -> str:
    """A name in which braces are braces. (`${…}` has no meaning in a name.)"""
    return _BLANK.sub(r"{{\1}}", name)


def literal(text: str) -> str:
    """Text in which braces are braces: `{name}` → `{{name}}`, `${NAME}` → `$${NAME}`."""
    return _BLANK.sub(r"{{\1}}", text).replace("${", "$${")
