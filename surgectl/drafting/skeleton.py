"""A first target file out of a few answers, for a shop of which there is neither a recording nor a description."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from surgectl.drafting.draft import Draft, DraftStep, Line, Named
from surgectl.drafting.exchange import origin_of
from surgectl.drafting.literal import literal
from surgectl.drafting.sift import host_of
from surgectl.errors import UsageError


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What a person said of the shop."""

    url: str
    page: str = "/"
    hold: str = "/api/holds"
    pay: str = "/api/orders"
    sends: str = "json"
    email: str = "email"
    sold_out: int = 409


def skeleton(said: Answers) -> Draft:
    """Look, hold, pay: the shape of most shops. UsageError for an answer that cannot be meant."""
    if not origin_of(said.url) or re.search(r"[\s{}]", said.url):
        raise UsageError("is not a URL of http or https", where=said.url, hint="try http://127.0.0.1:8000")
    if said.sends not in ("json", "form"):
        raise UsageError("a body is json or form", where=said.sends)
    if not 100 <= said.sold_out < 600:
        raise UsageError("is not a status", where=str(said.sold_out), hint="409")
    page, hold, pay = ("/" + literal(path.strip().lstrip("/")) for path in (said.page, said.hold, said.pay))
    email = literal(said.email.strip()) or "email"
    sold_out = Line(value={"when": {"status": said.sold_out}, "end": "sold-out"}, doubt="nothing else has this status?")
    shed = {"when": {"status": [429, 503]}, "then": "shed", "hint": {"header": "Retry-After"}}
    asleep = Line(value=shed, asleep=True, doubt="only if such a refusal means: nothing was done")
    fine: dict[str, Any] = {"status": "2xx" if said.sends == "json" else ["2xx", 302, 303]}
    host = host_of(said.url)
    return Draft(
        name="shop",
        about="",
        base_url=f"${{SHOP_URL:-{said.url}}}",
        host="" if host in ("localhost", "127.0.0.1", "::1") else host,
        mint=[Named(name="email", value="fan-{run}-{intent}@example.org"), Named(name="key", value="{uuid}")],
        steps=[
            DraftStep(
                name="page", request={"get": page}, outcomes=[Line(value={"when": {"status": 200}, "then": "next"})]
            ),
            DraftStep(
                name="hold",
                role="hold",
                request={"post": hold, said.sends: {"qty": "{qty}"}},
                outcomes=[Line(value={"when": fine, "then": "next"}), sold_out, asleep],
                take=[
                    Named(name="hold", value={"json": "id"}, asleep=True, doubt="what the payment needs to know of it")
                ],
            ),
            DraftStep(
                name="pay",
                role="pay",
                request={"post": pay, "headers": {"Idempotency-Key": "{key}"}, said.sends: {email: "{email}"}},
                outcomes=[
                    Line(value={"when": fine, "end": "confirmed"}, doubt="does it say that the tickets are sold?"),
                    sold_out,
                    Line(value={"when": {"status": 402}, "end": "declined"}, asleep=True, doubt="a declined card"),
                    asleep,
                ],
            ),
        ],
        checks=[
            "each step's body: which fields does your shop want?",
            "step pay: what in its reply says that the tickets are sold? Does it answer at once, or is it polled?",
            "how the shop says sold out, declined, too busy: the rules beside",
            "the evidence at the end of the file is a template: without it nothing can be proved",
        ],
    )
