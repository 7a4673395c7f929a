"""What many look at and few change, kept at hand: never the truth, and never waited for."""

from __future__ import annotations

from surgectl.stage.boxoffice.cache.bypass import Bypass as Bypass
from surgectl.stage.boxoffice.cache.bypass import open_cache as open_cache
from surgectl.stage.boxoffice.cache.view import View as View
