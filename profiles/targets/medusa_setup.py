"""Puts one gig on sale in a Medusa shop, and says what the shop is (the setup hook of medusa.yaml).

In: the rehearsal as JSON on stdin; SHOP_ADMIN and SHOP_PASSWORD from the environment. Out: one JSON object. Each run
sells a product of its own, so that counters of earlier runs say nothing about it. What all runs share (a region, a
place, a way to be given the ticket, the key of the shop window) is made by the first.
"""

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

URL = (sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SHOP_URL", "http://127.0.0.1:9000")).rstrip("/")
OURS = "surgectl"


class Admin:
    """The admin API, logged in."""

    def __init__(self, name: str, password: str) -> None:
        self.token = ""
        self.token = self.post("/auth/user/emailpass", email=name, password=password)["token"]

    def get(self, path: str, **query: object) -> dict:
        """One request; ends the hook with the shop's own words where it refuses."""
        return self._ask(f"{path}?{urllib.parse.urlencode(query, doseq=True)}", None)

    def post(self, path: str, **told: object) -> dict:
        """The same, with a body."""
        return self._ask(path, json.dumps(told).encode())

    def delete(self, path: str) -> dict:
        """The same, to take something away."""
        return self._ask(path, None, "DELETE")

    def _ask(self, path: str, body: bytes | None, method: str | None = None) -> dict:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            with urllib.request.urlopen(
                urllib.request.Request(URL + path, body, headers, method=method), timeout=60
            ) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{path} answered {error.code}: {error.read().decode(errors='replace')[:300]}") from None

    def first_or_made(self, what: str, one: str, query: dict, **told: object) -> dict:
        """The first that fits, or a new one."""
        found = self.get(f"/admin/{what}", limit=1, **query)[what.replace("-", "_")]
        return found[0] if found else self.post(f"/admin/{what}", **told)[one]


def window(admin: Admin, currency: str) -> dict:
    """What every run shares → the key of the shop window, its channel, region, place, shipping profile and option."""
    channel = admin.first_or_made("sales-channels", "sales_channel", {"name": OURS}, name=OURS)["id"]
    keys = admin.get("/admin/api-keys", type="publishable", limit=100)["api_keys"]
    key = next((key for key in keys if key["title"] == OURS), None)
    if key is None:
        key = admin.post("/admin/api-keys", title=OURS, type="publishable")["api_key"]
        admin.post(f"/admin/api-keys/{key['id']}/sales-channels", add=[channel])
    store = admin.get("/admin/stores")["stores"][0]
    known = {one["currency_code"]: one.get("is_default", False) for one in store["supported_currencies"]}
    if currency not in known:
        known[currency] = not any(known.values())
        admin.post(
            f"/admin/stores/{store['id']}",
            supported_currencies=[{"currency_code": code, "is_default": it} for code, it in known.items()],
        )
    region = admin.first_or_made(
        "regions",
        "region",
        {"currency_code": currency},
        name=OURS,
        currency_code=currency,
        countries=["gb"],
        payment_providers=["pp_system_default"],
    )["id"]
    profile = admin.first_or_made("shipping-profiles", "shipping_profile", {}, name=OURS, type="default")["id"]
    place = admin.first_or_made("stock-locations", "stock_location", {"name": OURS}, name=OURS)["id"]
    options = admin.get("/admin/shipping-options", stock_location_id=place, limit=1)["shipping_options"]
    if not options:
        admin.post(f"/admin/stock-locations/{place}/sales-channels", add=[channel])
        admin.post(f"/admin/stock-locations/{place}/fulfillment-providers", add=["manual_manual"])
        told = admin.post(
            f"/admin/stock-locations/{place}/fulfillment-sets?fields=*fulfillment_sets", name=OURS, type="pickup"
        )
        hall = told["stock_location"]["fulfillment_sets"][0]["id"]
        zone = admin.post(
            f"/admin/fulfillment-sets/{hall}/service-zones",
            name=OURS,
            geo_zones=[{"type": "country", "country_code": "gb"}],
        )["fulfillment_set"]["service_zones"][0]["id"]
        admin.post(
            "/admin/shipping-options",
            name="at the hall",
            service_zone_id=zone,
            shipping_profile_id=profile,
            provider_id="manual_manual",
            price_type="flat",
            type={"label": "at the hall", "description": "at the hall", "code": "hall"},
            prices=[{"currency_code": currency, "amount": 0}],
            rules=[],
        )
    return {"key": key["token"], "channel": channel, "region": region, "place": place, "profile": profile}


def main() -> None:
    told = json.load(sys.stdin)
    sale, gig = told["sale"], f"gig-{told['run']}"
    admin = Admin(os.environ.get("SHOP_ADMIN", "admin@example.org"), os.environ.get("SHOP_PASSWORD", "supersecret"))
    currency = sale["currency"].lower()
    shared = window(admin, currency)
    product = admin.post(
        "/admin/products?fields=id,*variants",
        title="gig",
        handle=gig.lower(),
        status="published",
        shipping_profile_id=shared["profile"],
        sales_channels=[{"id": shared["channel"]}],
        options=[{"title": "kind", "values": ["standing"]}],
        variants=[
            {
                "title": "standing",
                "sku": gig,
                "manage_inventory": True,
                "allow_backorder": False,
                "options": {"kind": "standing"},
                "prices": [{"currency_code": currency, "amount": float(sale["price"])}],
            }
        ],
    )["product"]
    item = admin.get("/admin/inventory-items", sku=gig)["inventory_items"][0]["id"]
    admin.post(
        f"/admin/inventory-items/{item}/location-levels",
        location_id=shared["place"],
        stocked_quantity=sale["tickets"],
    )
    said = {"variant": product["variants"][0]["id"], "sku": gig, "item": item, **shared}
    said |= {name: os.environ.get(f"SHOP_{name.upper()}", "unknown") for name in ("version", "database")}
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main()
