"""Gives back what a rehearsal bought in a Medusa shop (the teardown hook of medusa.yaml).

In: the rehearsal as JSON on stdin, of which `run` suffices; SHOP_ADMIN and SHOP_PASSWORD from the environment. The gig
is this run's own: every order of it is cancelled, which lets its tickets and its money go, and the gig leaves the
catalogue. May be run again, also by hand: `echo '{"run": "…"}' | python medusa_teardown.py http://127.0.0.1:9000`.
"""

import json
import os
import sys

from medusa_setup import Admin

PAGE = 100
FIELDS = "id,status,email,*items"


def ours(admin: Admin, run: str) -> list[dict]:
    """Every order of this run's gig, by one of its fans."""
    found: list[dict] = []
    total = 1
    while len(found) < total:
        page = admin.get("/admin/orders", limit=PAGE, offset=len(found), order="created_at", fields=FIELDS)
        if not page["orders"]:
            break
        found += page["orders"]
        total = page["count"]
    return [
        order
        for order in found
        if (order["email"] or "").startswith(f"fan-{run}-")
        and all(item["variant_sku"] == f"gig-{run}" for item in order["items"])
    ]


def main() -> None:
    run = json.load(sys.stdin)["run"]
    admin = Admin(os.environ.get("SHOP_ADMIN", "admin@example.org"), os.environ.get("SHOP_PASSWORD", "supersecret"))
    standing = [order["id"] for order in ours(admin, run) if order["status"] != "canceled"]
    for order in standing:
        admin.post(f"/admin/orders/{order}/cancel")
    gigs = admin.get("/admin/products", handle=f"gig-{run}".lower(), limit=1)["products"]
    for gig in gigs:
        admin.delete(f"/admin/products/{gig['id']}")
    json.dump({"cancelled": len(standing), "gigs": len(gigs)}, sys.stdout)


if __name__ == "__main__":
    main()
