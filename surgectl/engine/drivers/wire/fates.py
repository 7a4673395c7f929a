"""The ways in which a reply fails to come, and what each means for the fan."""

from __future__ import annotations

import os
import socket
import ssl

from surgectl.engine.drivers.driver import Mark
from surgectl.journey.messages import Broken


class Garbled(Exception):
    """What came is not HTTP, or over a limit."""


class Cut(Exception):
    """The connection ended before the reply was whole."""


class NotTaken(Exception):
    """The connection was closed already: not one byte of this request was written."""


FATES = (OSError, ValueError, Garbled, Cut, NotTaken)
"""All that a send may end with. TimeoutError is an OSError. ValueError: a URL or header that HTTP cannot carry."""


def broken(error: Exception, mark: Mark) -> Broken:
    """What an error means, given whether a byte had left."""
    if mark.sent_ns is None:
        return "not-sent"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, OSError | Cut | NotTaken):
        return "cut"
    return "invalid"


def say(error: Exception) -> str:
    """The error for the recording: its kind and the system's word. Never a URL, which may hold a secret."""
    if isinstance(error, Garbled | Cut | NotTaken):
        return str(error)
    if isinstance(error, TimeoutError):
        return "timeout"
    name = type(error).__name__
    if isinstance(error, ssl.SSLError):
        return f"{name}: {error.reason}" if error.reason else name
    if isinstance(error, OSError) and not isinstance(error, socket.gaierror) and error.errno is not None:
        return f"{name}: {os.strerror(error.errno)}"
    return name
