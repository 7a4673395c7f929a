"""What the provider has not decided yet: a fan at the bank's question, a payment or a refund under way."""

from __future__ import annotations

import msgspec

from surgectl.stage.payments.cards import Decline, Verdict


class Pending(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An intent (`pi_…`) or a refund (`re_…`) that is decided at `due_ns`, wall nanoseconds since 1970.

    Without `due_ns` it waits until somebody comes. `ends` is `succeeded` or `failed`; for a payment `decline` says
    why it fails, and `settles` that it keeps processing after the bank's question. The rest is who began it.
    """

    id: str
    due_ns: int | None
    ends: str
    decline: Decline | None = None
    settles: bool = False
    request: str
    key: str | None = None
    params: str | None = None

    def verdict(self) -> Verdict:
        """What the issuer makes of the payment once the cardholder has answered."""
        return Verdict(self.decline, settles=self.settles)
