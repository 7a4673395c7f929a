"""Gives back what a rehearsal bought in a django-oscar shop (the teardown hook of oscar.yaml).

Runs in the shop's own Python. In: the rehearsal as JSON on stdin, of which `run` suffices. This run's orders are
cancelled by the shop's own order handler, which frees their stock, and its gig is hidden. May be run again, also by
hand: `echo '{"run": "…"}' | python oscar_teardown.py`.
"""

import json
import os
import sys
import warnings

import django

warnings.simplefilter("ignore")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
sys.path.insert(0, os.environ.get("SHOP_FOLDER", "."))
django.setup()

from django.db import transaction  # noqa: E402 - only after setup
from oscar.core.loading import get_class, get_model  # noqa: E402

CANCELLED = "Cancelled"

if __name__ == "__main__":
    run = json.load(sys.stdin)["run"]
    handler = get_class("order.processing", "EventHandler")()
    theirs = get_model("order", "Order").objects.filter(guest_email__startswith=f"fan-{run}-")
    cancelled = 0
    for number in theirs.exclude(status=CANCELLED).values_list("pk", flat=True):
        with transaction.atomic():
            order = theirs.select_for_update().get(pk=number)
            if order.status == CANCELLED:
                continue
            handler.handle_order_status_change(order, CANCELLED)
            handler.cancel_stock_allocations(order)
            cancelled += 1
    hidden = get_model("catalogue", "Product").objects.filter(upc=f"gig-{run}", is_public=True).update(is_public=False)
    json.dump({"cancelled": cancelled, "gigs": hidden}, sys.stdout)
