"""Gives back what a rehearsal bought in an EverShop (the teardown hook of evershop.yaml).

In: the rehearsal as JSON on stdin, of which `run` suffices; SHOP_ADMIN and SHOP_PASSWORD from the environment. The gig
is this run's own: its fans' orders are cancelled, which puts their tickets back, and nobody sees the gig any more. May
be run again, also by hand: `echo '{"run": "…"}' | python evershop_teardown.py http://127.0.0.1:3000`.
"""

import json
import os
import sys

from evershop_setup import Admin

PAGE = 100
ORDERS = """query Ours($filters: [FilterInput]) { orders(filters: $filters) {
  total items { uuid customerEmail status { code } items { productSku } } } }"""
GIGS = "query Gigs($filters: [FilterInput]) { products(filters: $filters) { items { uuid sku } } }"


def listed(admin: Admin, query: str, kind: str, **filters: str) -> list[dict]:
    """Every row of a list of the admin's, page by page."""
    found: list[dict] = []
    for page in range(1, 10_000):
        asked = [{"key": key, "operation": "eq", "value": value} for key, value in filters.items()]
        asked += [{"key": "page", "operation": "eq", "value": str(page)}]
        asked += [{"key": "limit", "operation": "eq", "value": str(PAGE)}]
        rows = admin.seen(query, filters=asked)[kind]["items"]
        found += rows
        if len(rows) < PAGE:
            break
    return found


def main() -> None:
    run = json.load(sys.stdin)["run"]
    admin = Admin(os.environ.get("SHOP_ADMIN", "admin@example.org"), os.environ.get("SHOP_PASSWORD", ""))
    orders = [
        order
        for order in listed(admin, ORDERS, "orders")
        if (order["customerEmail"] or "").startswith(f"fan-{run}-")
        and all(item["productSku"] == f"gig-{run}" for item in order["items"])
        and order["status"]["code"] != "canceled"
    ]
    for order in orders:
        admin.ask("POST", f"/api/orders/{order['uuid']}/cancel", {"reason": f"rehearsal {run}"})
    gigs = [one for one in listed(admin, GIGS, "products", sku=f"gig-{run}") if one["sku"] == f"gig-{run}"]
    for gig in gigs:
        admin.ask("PATCH", f"/api/products/{gig['uuid']}", {"status": 0, "visibility": 0})
    json.dump({"cancelled": len(orders), "gigs": len(gigs)}, sys.stdout)


if __name__ == "__main__":
    main()
