"""Asks for the money again at once, and again, and again: a provider that is down gets no rest from this shop."""

from __future__ import annotations

from surgectl.stage.boxoffice.conduct import Conduct

CONDUCT = Conduct(most_tries=1000, retries_blindly=True, pauses=False, breaks=False)
