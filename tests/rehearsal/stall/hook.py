"""The stall's setup and teardown: URL, how it goes (well, fails, hangs, slowly) and whether it gives back."""

import json
import sys
import time
import urllib.request

url, how, *give_back = sys.argv[1:]


def post(path: str, said: object) -> object:
    request = urllib.request.Request(url + path, json.dumps(said).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)


told = json.load(sys.stdin)
post("/hook", {"teardown" if give_back else "setup": told})
if how == "hangs":
    time.sleep(60)
if how == "slowly":
    time.sleep(1)
if how == "fails":
    raise SystemExit("the till is locked")
if give_back:
    assert told["setup"]["stall"] == "stall-7" and told["sale"]["tickets"] == 5, told
    print(json.dumps(post("/give-back", {"run": told["run"]})))
else:
    print(json.dumps({"stall": "stall-7"}))
