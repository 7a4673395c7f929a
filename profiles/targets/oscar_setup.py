"""Puts one gig on sale in a django-oscar shop, and says what the shop is (the setup hook of oscar.yaml).

Runs in the shop's own Python. In: the rehearsal as JSON on stdin. Out: one JSON object. Each run sells a gig of its
own, so that what an earlier rehearsal bought says nothing about it; with a name as argument it is that gig, restocked.
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

import oscar  # noqa: E402 - only after setup
from django.db import connection  # noqa: E402
from oscar.core.loading import get_model  # noqa: E402

if __name__ == "__main__":
    told = json.load(sys.stdin)
    sale, run = told["sale"], told.get("run")
    gig = sys.argv[1] if len(sys.argv) > 1 else f"gig-{run}" if run else "gig"
    get_model("address", "Country").objects.get_or_create(
        iso_3166_1_a2="GB", defaults={"printable_name": "United Kingdom", "is_shipping_country": True}
    )
    kind, _ = get_model("catalogue", "ProductClass").objects.get_or_create(
        name="gig", defaults={"requires_shipping": True, "track_stock": True}
    )
    product, _ = get_model("catalogue", "Product").objects.get_or_create(
        upc=gig, defaults={"title": "gig", "product_class": kind, "slug": gig}
    )
    partner, _ = get_model("partner", "Partner").objects.get_or_create(name="box office")
    stock = {"partner_sku": gig, "price": sale["price"], "price_currency": sale["currency"]}
    stock |= {"num_in_stock": sale["tickets"], "num_allocated": 0}
    get_model("partner", "StockRecord").objects.update_or_create(product=product, partner=partner, defaults=stock)
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version" if connection.vendor == "postgresql" else "SELECT sqlite_version()")
        version = cursor.fetchone()[0].split(" ")[0]
    said = {
        "product": product.id,
        "sku": gig,
        "page": f"{product.slug}_{product.id}",
        "oscar": oscar.get_version(),
        "django": django.get_version(),
        "database": f"{connection.vendor} {version}",
    }
    sys.stdout.write(json.dumps(said))
