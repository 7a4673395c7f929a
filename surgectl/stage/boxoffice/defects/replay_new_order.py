"""Does not read the name of a request: who sends the same order again, for want of an answer, buys a second time."""

from __future__ import annotations

from surgectl.stage.boxoffice.conduct import Conduct
from surgectl.stage.boxoffice.defects.another_basket import order_anew

CONDUCT = Conduct(place=order_anew)
