"""Gives back what a rehearsal bought in a Vendure shop (the teardown hook of vendure.yaml).

In: the rehearsal as JSON on stdin, of which `run` suffices; SHOP_ADMIN and SHOP_PASSWORD from the environment. The gig
is this run's own: every order of it is cancelled, which puts its tickets back, and the gig leaves the catalogue. May be
run again, also by hand: `echo '{"run": "…"}' | python vendure_teardown.py http://127.0.0.1:3000`.
"""

import json
import os
import sys

from vendure_setup import Admin

PAGE = 100
ORDERS = """query($o: OrderListOptions){ orders(options: $o){ totalItems items {
  id code state active customer { emailAddress } lines { productVariant { sku } } } } }"""
CANCEL = "mutation($i: CancelOrderInput!){ cancelOrder(input: $i){ __typename ... on ErrorResult { message } } }"
LEAVE = """mutation($i: ID!){ transitionOrderToState(id: $i, state: "Cancelled"){
  __typename ... on ErrorResult { message } } }"""


def ours(admin: Admin, run: str) -> list[dict]:
    """Every order of this run's gig, by one of its fans."""
    found: list[dict] = []
    total = 1
    while len(found) < total:
        options = {"take": PAGE, "skip": len(found), "sort": {"createdAt": "ASC"}}
        page = admin.ask(ORDERS, o=options)["orders"]
        if not page["items"]:
            break
        found += page["items"]
        total = page["totalItems"]
    return [
        order
        for order in found
        if (order["customer"] or {}).get("emailAddress", "").startswith(f"fan-{run}-")
        and all(line["productVariant"]["sku"] == f"gig-{run}" for line in order["lines"])
    ]


def main() -> None:
    run = json.load(sys.stdin)["run"]
    admin = Admin(os.environ.get("SHOP_ADMIN", "superadmin"), os.environ.get("SHOP_PASSWORD", "superadmin"))
    cancelled, refused = 0, []
    for order in ours(admin, run):
        if order["state"] == "Cancelled":
            continue
        if order["active"] or order["state"] in ("AddingItems", "ArrangingPayment"):
            said = admin.ask(LEAVE, i=order["id"])["transitionOrderToState"]  # a basket: nothing was sold yet
        else:
            asked = {"orderId": order["id"], "cancelShipping": True, "reason": f"rehearsal {run}"}
            said = admin.ask(CANCEL, i=asked)["cancelOrder"]
        if said["__typename"] == "Order":
            cancelled += 1
        else:
            refused.append(f"{order['code']}: {said.get('message', said['__typename'])}")
    gigs = admin.ask(
        "query($s: String!){ products(options: {filter: {slug: {eq: $s}}}){ items { id } } }", s=f"gig-{run}"
    )
    for gig in gigs["products"]["items"]:
        admin.ask("mutation($i: ID!){ deleteProduct(id: $i){ result } }", i=gig["id"])
    if refused:
        raise SystemExit(f"{len(refused)} orders could not be cancelled; the first: {refused[0]}")
    json.dump({"cancelled": cancelled, "gigs": len(gigs["products"]["items"])}, sys.stdout)


if __name__ == "__main__":
    main()
