"""The only source of randomness: a hash of (seed, who, what for).

Counter-based, so any fan's draw can be computed alone, by any worker, in any order: the union of all
shards is the plan. The mixer is SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
"""

from __future__ import annotations

import functools
import hashlib
import math
import os
import struct
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def mix(x: int) -> int:
    """SplitMix64's finaliser: 64 bits in, 64 well-mixed bits out."""
    x = (x + _GOLDEN) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


@functools.lru_cache(4096)
def _start(seed: int, purpose: str) -> int:
    """A stable 64-bit number for a seed and a purpose's name (Python's own hash differs by process)."""
    number = struct.unpack("<Q", hashlib.blake2b(purpose.encode(), digest_size=8).digest())[0]
    return mix(seed ^ number)


def bits(seed: int, purpose: str, *counters: int) -> int:
    """64 random bits that depend on nothing but the arguments."""
    x = _start(seed, purpose)
    for counter in counters:
        # mix(x ^ counter), written out: this runs several times for each thing a fan decides.
        x = ((x ^ (counter & _MASK)) + _GOLDEN) & _MASK
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
        x ^= x >> 31
    return x


def unit(seed: int, purpose: str, *counters: int) -> float:
    """A number in [0, 1)."""
    return (bits(seed, purpose, *counters) >> 11) * (1.0 / (1 << 53))


def units(seed: int, purpose: str, count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """`[unit(seed, purpose, n) for n in range(count)]` at once, to the last bit: for millions of draws."""
    import numpy as np

    golden, first, second = (np.uint64(n) for n in (_GOLDEN, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
    with np.errstate(over="ignore"):  # 64 bits that run over are what the mixer is made of
        x = (np.arange(count, dtype=np.uint64) ^ np.uint64(_start(seed, purpose))) + golden
        x = (x ^ (x >> np.uint64(30))) * first
        x = (x ^ (x >> np.uint64(27))) * second
        x ^= x >> np.uint64(31)
    return (x >> np.uint64(11)).astype(np.float64) * (1.0 / (1 << 53))


def between(low: float, high: float, seed: int, purpose: str, *counters: int) -> float:
    """Uniform in [low, high)."""
    return low + (high - low) * unit(seed, purpose, *counters)


def exponential(mean: float, seed: int, purpose: str, *counters: int) -> float:
    """Exponential with that mean."""
    return -mean * math.log1p(-unit(seed, purpose, *counters))


def normal(seed: int, purpose: str, *counters: int) -> float:
    """Standard normal (Box & Muller 1958)."""
    u = unit(seed, purpose, *counters, 1)
    v = unit(seed, purpose, *counters, 2)
    return math.sqrt(-2.0 * math.log1p(-u)) * math.cos(2.0 * math.pi * v)


def lognormal(median: float, sigma: float, seed: int, purpose: str, *counters: int) -> float:
    """Log-normal given by its median and the deviation of its logarithm."""
    return median * math.exp(sigma * normal(seed, purpose, *counters))


def weibull(shape: float, scale: float, seed: int, purpose: str, *counters: int) -> float:
    """Weibull: the field's usual model of how long people wait."""
    return scale * math.pow(-math.log1p(-unit(seed, purpose, *counters)), 1.0 / shape)


def uuid(seed: int, purpose: str, *counters: int) -> str:
    """A version-4-shaped UUID (RFC 9562) that the same seed mints again."""
    # One hash for all 128 bits: half the price of mixing them, and every request with a fresh key has one.
    data = b"".join([(number & _MASK).to_bytes(8, "little") for number in (_start(seed, purpose), *counters)])
    text = hashlib.blake2b(data, digest_size=16).hexdigest()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:]}"


def generator(seed: int, purpose: str, *counters: int) -> Random:
    """A generator of Python's own, for whoever wants more than a number: others' steps."""
    return Random(bits(seed, purpose, *counters))


def fresh_seed() -> int:
    """A seed nobody chose: 32 bits from the operating system, printed so that a run can be repeated."""
    return int.from_bytes(os.urandom(4), "big")


def token() -> str:
    """An unguessable token from the operating system: for run ids and secrets, never for a plan."""
    return os.urandom(8).hex()
