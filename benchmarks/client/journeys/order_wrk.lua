-- The journey for wrk, as far as it goes: a fresh key per request; no response(), so nothing is read.
wrk.method = "POST"
local body, prefix, number = os.getenv("BENCH_BODY"), os.getenv("BENCH_KEY"), 0
local headers = { ["Content-Type"] = "application/json", ["Cookie"] = os.getenv("BENCH_COOKIE") }

function request()
  number = number + 1
  headers["Idempotency-Key"] = prefix .. string.format("%012x", number)
  return wrk.format(nil, nil, headers, body)
end
