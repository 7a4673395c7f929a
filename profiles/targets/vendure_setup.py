"""Puts one gig on sale in a Vendure shop, and says what the shop is (the setup hook of vendure.yaml).

In: the rehearsal as JSON on stdin; SHOP_URL, SHOP_ADMIN and SHOP_PASSWORD from the environment. Out: one JSON object.
Each run sells a product of its own, so that counters of earlier runs say nothing about it.
"""

import json
import os
import sys
import urllib.request

URL = (sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SHOP_URL", "http://127.0.0.1:3000")) + "/admin-api"
WORDS = '[{languageCode: en, name: "%s", description: ""}]'


class Admin:
    """The admin API, logged in."""

    def __init__(self, name: str, password: str) -> None:
        self.token = ""
        logged_in = self.ask(
            "mutation($n: String!, $p: String!){ login(username: $n, password: $p){ __typename } }", n=name, p=password
        )
        if logged_in["login"]["__typename"] != "CurrentUser":
            raise SystemExit("the shop does not know this administrator")

    def ask(self, query: str, **variables: object) -> dict:
        """One request; ends the hook with the shop's own words where it refuses."""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        body = json.dumps({"query": query, "variables": variables}).encode()
        with urllib.request.urlopen(urllib.request.Request(URL, body, headers), timeout=60) as reply:
            self.token = reply.headers.get("vendure-auth-token", self.token)
            said = json.load(reply)
        if said.get("errors"):
            raise SystemExit(said["errors"][0]["message"])
        return said["data"]

    def made(self, what: str, arguments: str) -> str:
        """Create something → its id."""
        return self.ask(f"mutation{{ {what}({arguments}){{ id }} }}")[what]["id"]

    def first_or_made(self, listed: str, what: str, arguments: str) -> str:
        """The first there is, or a new one."""
        found = self.ask(f"{{ {listed}{{ items {{ id }} }} }}")[listed]["items"]
        return found[0]["id"] if found else self.made(what, arguments)


def main() -> None:
    told = json.load(sys.stdin)
    sale, run = told["sale"], told["run"]
    admin = Admin(os.environ.get("SHOP_ADMIN", "superadmin"), os.environ.get("SHOP_PASSWORD", "superadmin"))
    country = admin.first_or_made(
        "countries",
        "createCountry",
        'input: {code: "GB", enabled: true, translations: [{languageCode: en, name: "United Kingdom"}]}',
    )
    zone = admin.first_or_made("zones", "createZone", f'input: {{name: "everywhere", memberIds: ["{country}"]}}')
    tax = admin.first_or_made("taxCategories", "createTaxCategory", 'input: {name: "none", isDefault: true}')
    admin.first_or_made(
        "taxRates",
        "createTaxRate",
        f'input: {{name: "none", enabled: true, value: 0, categoryId: "{tax}", zoneId: "{zone}"}}',
    )
    channel = admin.ask("{ activeChannel { id } }")["activeChannel"]["id"]
    admin.ask(
        f'mutation{{ updateChannel(input: {{id: "{channel}", defaultTaxZoneId: "{zone}",'
        f' defaultShippingZoneId: "{zone}",'
        f" pricesIncludeTax: true, defaultCurrencyCode: {sale['currency']}, availableCurrencyCodes:"
        f" [{sale['currency']}]}}){{ __typename }} }}"
    )
    admin.first_or_made(
        "shippingMethods",
        "createShippingMethod",
        'input: {code: "hall", fulfillmentHandler: "manual-fulfillment", checker: {code:'
        ' "default-shipping-eligibility-checker", arguments: [{name: "orderMinimum", value: "0"}]}, calculator: {code:'
        ' "default-shipping-calculator", arguments: [{name: "rate", value: "0"}, {name: "includesTax", value: "auto"},'
        f' {{name: "taxRate", value: "0"}}]}}, translations: {WORDS % "at the hall"}}}',
    )
    admin.first_or_made(
        "paymentMethods",
        "createPaymentMethod",
        'input: {code: "dummy", enabled: true, handler: {code: "dummy-payment-handler", arguments:'
        f' [{{name: "automaticSettle", value: "true"}}]}}, translations: {WORDS % "dummy"}}}',
    )
    product = admin.made(
        "createProduct",
        f'input: {{enabled: true, translations: [{{languageCode: en, name: "gig", slug: "gig-{run}",'
        ' description: ""}]}',
    )
    variants = admin.ask(
        f'mutation{{ createProductVariants(input: [{{productId: "{product}", sku: "gig-{run}", price:'
        f' {sale["price_minor"]}, taxCategoryId: "{tax}", trackInventory: TRUE, stockOnHand: {sale["tickets"]},'
        ' translations: [{languageCode: en, name: "gig"}]}]){ id } }'
    )
    said = {"variant": variants["createProductVariants"][0]["id"], "sku": f"gig-{run}"}
    said |= {name: os.environ.get(f"SHOP_{name.upper()}", "unknown") for name in ("version", "database")}
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main()
