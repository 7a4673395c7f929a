"""Writes a form with parts (multipart/form-data, RFC 7578): to the target language a body like any other."""

from __future__ import annotations

from surgectl.drafting.literal import key_literal

BOUNDARY = "fans-own-boundary"


def parts_of(fields: list[tuple[str, str]]) -> str:
    """The fields, each filled already, as one body."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{key_literal(_named(name))}"\r\n\r\n{value}\r\n'
        for name, value in fields
    ]
    return "".join(parts) + f"--{BOUNDARY}--\r\n"


def _named(name: str) -> str:
    """As browsers write a name there (WHATWG HTML §4.10.21.8)."""
    return name.replace("\n", "%0A").replace("\r", "%0D").replace('"', "%22").replace("${", "$${")
