"""Is there a shop at all? Asked once, before anything is sent."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from surgectl.errors import InconclusiveError
from surgectl.profile.target import Target

_WITHIN_S = 3.0


async def reach(target: Target) -> None:
    """A shop that nobody reaches is no shop that failed: InconclusiveError (exit 12) before anything is sent."""
    parts = urlsplit(target.base_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(parts.hostname, port), _WITHIN_S)
    except (OSError, TimeoutError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else "no answer"
        raise InconclusiveError(
            f"the shop cannot be reached: {said}", where=target.base_url, hint="is it running? is base_url right?"
        ) from error
    writer.close()
