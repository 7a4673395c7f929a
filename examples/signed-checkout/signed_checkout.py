"""What this shop's own app does before it asks: it works for its place in the line, and signs what it sends."""

import hashlib
import hmac


def sign(call):
    """The request with two headers more: when it was signed, and HMAC-SHA256 over that, method, path and body."""
    sent = call.request
    at = str(int(call.at_s))
    path = "/" + sent.url.split("/", 3)[3]
    message = b"\n".join([at.encode(), sent.method.encode(), path.encode(), sent.body])
    signature = hmac.new(call.given["secret"].encode(), message, hashlib.sha256).hexdigest()
    return {"headers": {"X-Signed-At": at, "X-Signature": signature}}


def proof_of_work(call):
    """A number that, behind the challenge, hashes to so many leading zero bits: {"proof": …}."""
    challenge, bits = call.given["challenge"], int(call.given["bits"])
    if not 0 <= bits <= 20:
        raise ValueError(f"{bits} bits would take too long: everybody else waits meanwhile")
    number = call.random().getrandbits(32)  # everybody begins elsewhere, and the same seed gives the same proof
    while int.from_bytes(hashlib.sha256(f"{challenge}:{number}".encode()).digest()[:4], "big") >> (32 - bits):
        number += 1
    return {"proof": number}
