"""What a junit.xml must look like: the public schemas transcribed, and the public files where somebody names them."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import xmlschema

TRANSCRIBED = Path(__file__).parent / "xsd/junit-transcribed.xsd"


@cache
def schemas() -> list[xmlschema.XMLSchema]:
    """The transcription, and every file of SURGECTL_JUNIT_XSD (separated like PATH)."""
    named = [Path(name) for name in os.environ.get("SURGECTL_JUNIT_XSD", "").split(os.pathsep) if name]
    return [xmlschema.XMLSchema(path) for path in (TRANSCRIBED, *named)]


def wrong_with(junit: bytes) -> list[str]:
    """Everything that a schema refuses in a junit.xml, with its path."""
    found = [error for schema in schemas() for error in schema.iter_errors(junit.decode())]
    return [f"{error.path}: {error.reason}" for error in found]
