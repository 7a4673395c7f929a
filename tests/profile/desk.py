"""A good profile to spoil, a folder to put it in, and its one-line complaints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from surgectl.errors import UsageError
from surgectl.profile.load import open_rehearsal, open_target

PROFILE = """\
surgectl: 1
name: drop
target: targets/shop.yaml
sale: {tickets: 500, price: 89.00 EUR, limit: 4, wants: {1: 60%, 2: 40%}}
load:
  - {phase: doors, rate: 20/s, for: 5s}
  - {phase: on-sale, fans: 2000, shape: spike, half_life: 5s, for: 20s}
fans: {patient: 70%, masher: 30%}
chaos:
  - {at: on-sale + 4s, for: 12s, link: payments, brownout: lost-reply}
probe: {step: about, rate: 20/s}
settle: {at_most: 60s}
expect:
  invariants: {require: [stock, money]}
  coverage: {payments_in_fault: 30%, lost_replies: 1}
  thresholds: ["p99(confirm) < 3s"]
"""

TARGET = """\
surgectl-target: 1
name: shop
base_url: "${SHOP_URL:-http://127.0.0.1:8000}"
links: {payments: {upstream: "127.0.0.1:9100"}}
promises: {hold_ttl: 20s, payment_timeout: 5s, payment_tries: 3, reconcile_every: 2s}
mint: {email: "fan-{run}-{intent}@example.org"}
journey:
  - step: hold
    role: hold
    post: /holds
    json: {qty: "{qty}", note: "007"}
    outcomes: [{when: {status: 201}, then: next}]
  - step: pay
    role: pay
    post: /pay
    outcomes: [{when: {status: [200, 201]}, end: confirmed}]
probes: {about: {get: /about}}
evidence:
  orders:
    http: {get: /admin/orders, rows: rows}
    states: {valid: [confirmed], void: [failed]}
    key: [email]
stage: {use: boxoffice}
"""


class Desk:
    """A folder with a profile and a target that can be spoilt."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "targets").mkdir()
        self.write(PROFILE)
        self.write_target(TARGET)

    def write(self, text: str) -> Path:
        path = self.folder / "drop.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def write_target(self, text: str) -> Path:
        path = self.folder / "targets" / "shop.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def complaint(self, act: Callable[[], object] | None = None) -> str:
        """What loading the profile says is wrong."""
        with pytest.raises(UsageError) as caught:
            (act or (lambda: open_rehearsal("drop.yaml", environ={})))()
        assert caught.value.exit_code == 2
        return str(caught.value)

    def target_complaint(self) -> str:
        return self.complaint(lambda: open_target("targets/shop.yaml", {}, environ={}))
