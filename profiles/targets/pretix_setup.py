"""Puts one gig on sale in a pretix, and says what the shop is (the setup hook of pretix.yaml).

Runs in the shop's own Python, with its PRETIX_… settings. In: the rehearsal as JSON on stdin. Out: one JSON object.
Each run sells an event of its own, whose tickets are paid at the door; its token reads the event's orders over REST.
"""

import json
import os
import sys
import warnings
from datetime import timedelta
from decimal import Decimal

import django

warnings.simplefilter("ignore")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pretix.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402 - only after setup
from django.utils.timezone import now  # noqa: E402
from django_scopes import scopes_disabled  # noqa: E402
from pretix import __version__  # noqa: E402
from pretix.base.models import Event, Organizer, Team  # noqa: E402


def main() -> None:
    told = json.load(sys.stdin)
    sale, run = told["sale"], told["run"]
    hall, _ = Organizer.objects.get_or_create(slug="hall", defaults={"name": "The hall"})
    gig = Event.objects.create(
        organizer=hall,
        slug=f"gig-{run}",
        name="gig",
        currency=sale["currency"],
        date_from=now() + timedelta(days=30),
        plugins="pretix.plugins.manualpayment",
        live=True,
    )
    gig.settings.set("payment_manual__enabled", True)
    gig.settings.set("payment_manual_public_name", "at the door")
    gig.settings.set("payment_manual_pending_description", "Pay at the door.")
    if sale.get("limit"):
        gig.settings.set("max_items_per_order", sale["limit"])
    ticket = gig.items.create(name="ticket", default_price=Decimal(sale["price"]))
    floor = gig.quotas.create(name="floor", size=sale["tickets"])
    floor.items.add(ticket)
    readers = Team.objects.create(organizer=hall, name=f"rehearsal {run}", all_event_permissions=True)
    readers.limit_events.add(gig)
    token = readers.tokens.create(name="rehearsal")
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version" if connection.vendor == "postgresql" else "SELECT sqlite_version()")
        version = cursor.fetchone()[0].split(" ")[0]
    said = {
        "event": gig.slug,
        "item": ticket.pk,
        "quota": floor.pk,
        "token": token.token,
        "pretix": __version__,
        "database": f"{connection.vendor} {version}",
    }
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    with scopes_disabled(), transaction.atomic():
        main()
