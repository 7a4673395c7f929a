"""Signs what is posted, so that a shop can tell the provider's letters from anybody's.

docs.stripe.com/webhooks#verify-manually: `Stripe-Signature: t=SECONDS,v1=HEX`, HEX being the HMAC-SHA256 of
`SECONDS.BODY` under the endpoint's secret.
"""

from __future__ import annotations

import hashlib
import hmac

HEADER = "Stripe-Signature"


def sign(secret: str, body: bytes, at_s: int) -> str:
    """The header's value; `at_s` is the instant of sending in seconds since 1970; a shop compares it with its own."""
    digest = hmac.new(secret.encode(), b"%d." % at_s + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={digest}"
