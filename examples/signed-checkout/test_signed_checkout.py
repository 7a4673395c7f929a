"""A step in Python is tested as what it is: a function of what it is handed."""

import hashlib
import hmac
from random import Random
from types import SimpleNamespace

import pytest
from signed_checkout import proof_of_work, sign


def test_the_signature_is_over_time_method_path_and_body() -> None:
    """As the shop computes it."""
    sent = SimpleNamespace(method="POST", url="http://127.0.0.1:9400/orders?a=b", headers={}, body=b"{}")
    made = sign(SimpleNamespace(request=sent, at_s=1_700_000_000.7, given={"secret": "s"}))
    wanted = hmac.new(b"s", b"1700000000\nPOST\n/orders?a=b\n{}", hashlib.sha256).hexdigest()
    assert made == {"headers": {"X-Signed-At": "1700000000", "X-Signature": wanted}}


def test_the_proof_has_its_zeros() -> None:
    """Twelve bits of them, and the same chance gives the same proof."""
    call = SimpleNamespace(given={"challenge": "abc", "bits": 12}, random=lambda: Random(7))
    proof = proof_of_work(call)["proof"]
    assert hashlib.sha256(f"abc:{proof}".encode()).hexdigest().startswith("000")
    assert proof_of_work(call) == {"proof": proof}


def test_work_that_would_stop_the_crowd_is_refused() -> None:
    """A challenge of 40 bits is an error of the step, with its reason."""
    with pytest.raises(ValueError, match="40 bits would take too long"):
        proof_of_work(SimpleNamespace(given={"challenge": "abc", "bits": 40}))
