"""A small shop that speaks only with its own app: whoever did not work for a place, or did not sign, is turned away.

python shop.py [--port 9400]       says where it is, then sells until it is stopped
python shop.py --open URL          puts the tickets on sale that stdin tells of: the target's setup hook
"""

import argparse
import hashlib
import hmac
import json
import secrets
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "not-a-secret-at-all"
BITS = 10


class Shop(ThreadingHTTPServer):
    """Its books are three lists behind one lock."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port):
        super().__init__(("127.0.0.1", port), Desk)
        self.lock = threading.Lock()
        self.left = 5
        self.challenges = set()
        self.passes = set()
        self.orders = []
        self.turned_away = 0


class Desk(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: Shop

    def do_GET(self):
        if not self.signed(b""):
            return self.say(401, {"error": "SIGNATURE"})
        if self.path == "/admin/orders":
            with self.server.lock:
                return self.say(200, {"orders": self.server.orders, "count": len(self.server.orders)})
        return self.say(404, {"error": "no such page"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/admin/sale":
            with self.server.lock:
                self.server.left, self.server.orders = json.loads(body)["tickets"], []
            return self.say(200, {})
        if not self.signed(body):
            with self.server.lock:
                self.server.turned_away += 1
            return self.say(401, {"error": "SIGNATURE"})
        asked = json.loads(body)
        with self.server.lock:
            if self.path == "/queue":
                challenge = secrets.token_hex(8)
                self.server.challenges.add(challenge)
                return self.say(200, {"challenge": challenge, "bits": BITS})
            if self.path == "/queue/proof":
                return self.let_in(asked)
            if self.path == "/orders":
                return self.sell(asked)
        return self.say(404, {"error": "no such page"})

    def signed(self, body):
        at = self.headers.get("X-Signed-At", "0")
        message = b"\n".join([at.encode(), self.command.encode(), self.path.encode(), body])
        wanted = hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest()
        return hmac.compare_digest(wanted, self.headers.get("X-Signature", "")) and abs(time.time() - int(at)) < 60

    def let_in(self, asked):
        told = f"{asked['challenge']}:{asked['proof']}".encode()
        worked = int.from_bytes(hashlib.sha256(told).digest()[:4], "big") >> (32 - BITS) == 0
        if asked["challenge"] not in self.server.challenges or not worked:
            return self.say(403, {"error": "PROOF"})
        self.server.challenges.remove(asked["challenge"])
        ticket = secrets.token_hex(8)
        self.server.passes.add(ticket)
        return self.say(200, {"pass": ticket})

    def sell(self, asked):
        if asked["pass"] not in self.server.passes:
            return self.say(403, {"error": "PASS"})
        if self.server.left < asked["qty"]:
            return self.say(409, {"error": "SOLD_OUT"})
        self.server.left -= asked["qty"]
        order = {"order": f"A-{len(self.server.orders) + 1}", "email": asked["email"], "qty": asked["qty"]}
        order |= {"total": 2000 * asked["qty"], "state": "paid"}
        self.server.orders.append(order)
        return self.say(201, order)

    def say(self, status, told):
        raw = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *words):
        """Silence."""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9400)
    parser.add_argument("--open", metavar="URL")
    given = parser.parse_args()
    if given.open:
        tickets = json.load(sys.stdin)["sale"]["tickets"]
        urllib.request.urlopen(f"{given.open}/admin/sale", json.dumps({"tickets": tickets}).encode(), timeout=10)
        raise SystemExit
    shop = Shop(given.port)
    print(f"http://127.0.0.1:{shop.server_port}", flush=True)
    shop.serve_forever()
