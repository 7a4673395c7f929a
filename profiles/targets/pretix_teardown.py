"""Gives back what a rehearsal bought in a pretix (the teardown hook of pretix.yaml).

Runs in the shop's own Python. In: the rehearsal as JSON on stdin, of which `run` suffices. This run's orders are
cancelled by the shop's own hand, nobody is mailed, its event goes off sale and its token is taken away. May be run
again, also by hand.
"""

import json
import os
import sys
import warnings

import django

warnings.simplefilter("ignore")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pretix.settings")
django.setup()

from django_scopes import scopes_disabled  # noqa: E402 - only after setup
from pretix.base.models import Event, Order, Team  # noqa: E402
from pretix.base.services.orders import _cancel_order  # noqa: E402

if __name__ == "__main__":
    run = json.load(sys.stdin)["run"]
    cancelled = 0
    with scopes_disabled():
        theirs = Order.objects.filter(event__slug=f"gig-{run}", email__startswith=f"fan-{run}-")
        for number in theirs.exclude(status=Order.STATUS_CANCELED).values_list("pk", flat=True):
            _cancel_order(number, send_mail=False)
            cancelled += 1
        closed = Event.objects.filter(slug=f"gig-{run}", live=True).update(live=False)
        Team.objects.filter(name=f"rehearsal {run}").delete()
    sys.stdout.write(json.dumps({"cancelled": cancelled, "gigs": closed}))
