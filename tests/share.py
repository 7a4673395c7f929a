"""Who runs beside whom when the tests are shared out to several processes (pytest-xdist, `--dist loadgroup`).

A `real` test that is not marked `quiet` must bear company that fills both cores: it waits for conditions, with generous
limits. What measures time, or plays a sale at its full size, is `quiet`: such tests run beside each other only, and
most of them wait most of the time.
"""

from __future__ import annotations

import pytest

SIDE_BY_SIDE = pytest.mark.xdist_group("rehearsals")
"""All that look at rehearsals which are played side by side anyway: in one process, so that each is played once."""
