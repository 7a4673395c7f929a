"""A shop as a queue: one till that serves so many a second, and clients who time out and come again.

After Huang et al. (OSDI'22) and invariants D5: the till also works on requests whose client has long given up.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from typing import Literal

from surgectl.stats.resilience import Course

Policy = Literal["immediate", "exponential", "budget"]

FAULT_S = (30.0, 60.0)
TIMEOUT_S = 2.0
IN_TIME_S = 10.0
TRIES = 6


def play(
    rate: float,
    policy: Policy,
    *,
    limit: int | None,
    seconds: int,
    seed: int,
    capacity: float = 100.0,
    weak: float = 0.2,
) -> Course:
    """One run in buckets of a second: a fault of 30 s leaves `weak` of the capacity; `limit` refuses beyond a queue."""
    chance = random.Random(seed)
    offered, resolved, done, attempts, backlog = ([0] * seconds for _ in range(5))
    coming: list[tuple[float, float, int]] = []
    at = chance.expovariate(rate)
    while at < seconds:
        coming.append((at, at, 1))
        offered[int(at)] += 1
        at += chance.expovariate(rate)
    heapq.heapify(coming)
    queue: deque[float] = deque()
    free, tokens = 0.0, 10.0
    while coming:
        now, first, number = heapq.heappop(coming)
        if now >= seconds:
            break
        attempts[int(now)] += 1
        while queue and queue[0] <= now:
            queue.popleft()
        waited = 0.05
        if limit is None or len(queue) < limit:
            start = max(now, free)
            speed = capacity * (weak if FAULT_S[0] <= start < FAULT_S[1] else 1.0)
            free = start + 1 / speed
            queue.append(free)
            if free - now <= TIMEOUT_S:
                tokens = min(100.0, tokens + 0.1)
                resolved[int(first)] += free - first <= IN_TIME_S
                done[min(int(free), seconds - 1)] += 1
                continue
            waited = TIMEOUT_S
        backlog[int(now)] = len(queue)
        if number >= TRIES:
            continue
        if policy == "budget":
            if tokens < 1:
                continue
            tokens -= 1
        pause = chance.uniform(0, 0.2 if policy == "immediate" else min(30.0, 2.0**number))
        heapq.heappush(coming, (now + waited + pause, first, number + 1))
    return Course(
        offered=tuple(offered),
        resolved=tuple(resolved),
        done=tuple(done),
        attempts=tuple(attempts),
        backlog=tuple(backlog),
    )
