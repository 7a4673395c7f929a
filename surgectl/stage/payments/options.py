"""How one provider is set up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from surgectl.errors import UsageError
from surgectl.stage.payments.defects import known_defect
from surgectl.units import NS_PER_S


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """0 as a limit means none; port 0 means any free one. Durations in nanoseconds.

    A GET takes a quarter of `latency_ns`, and each request its own seeded share of it (log-normal, σ 0.25).
    """

    listen: Annotated[str, Meta(description="HOST:PORT; port 0 takes any free one.")] = "127.0.0.1:0"
    control: Annotated[str, Meta(description="HOST:PORT of the ledger and the faults, never proxied.")] = "127.0.0.1:0"
    rate_per_s: Annotated[
        float,
        Meta(description="Operations a second before it queues, then errors; 0 = no limit.", extra={"flag": "rate"}),
    ] = 0.0
    endpoint_rate_per_s: Annotated[
        float, Meta(description="The same for each endpoint by itself; 0 = no limit.", extra={"flag": "endpoint_rate"})
    ] = 0.0
    concurrency: Annotated[int, Meta(description="Requests at once before it queues; 0 = no limit.")] = 0
    queue_ns: Annotated[
        int, Meta(description="How long a request beyond the capacity waits before it is sent away with 429.")
    ] = NS_PER_S
    lock_wait_ns: Annotated[
        int, Meta(description="How long a request waits for an object that another one works on.")
    ] = 2 * NS_PER_S
    latency_ns: Annotated[int, Meta(description="How long one operation takes.")] = 0
    settle_after_ns: Annotated[
        int, Meta(description="How long a payment keeps processing, or a refund pending, where card or fault say so.")
    ] = 3 * NS_PER_S
    authenticated: Annotated[
        float, Meta(description="Share (0-1) of 3-D Secure questions that are answered by themselves, rightly.")
    ] = 0.0
    authentication_ns: Annotated[int, Meta(description="How long such an answer takes.")] = 3 * NS_PER_S
    declined: Annotated[float, Meta(description="Share (0-1) of all cards whose bank declines them.")] = 0.0
    processing_declined: Annotated[
        float, Meta(description="Share (0-1) of all cards that are processing at first and declined in the end.")
    ] = 0.0
    fee_percent: Annotated[float, Meta(description="What the provider keeps of each charge.")] = 0.0
    intent_updates: Annotated[
        int, Meta(description="Changes to one payment intent in an hour before it errs; 0 = no limit.")
    ] = 0
    webhook_timeout_ns: Annotated[
        int, Meta(description="How long a webhook endpoint may take to answer before the event is sent again.")
    ] = 5 * NS_PER_S
    webhook_backoff_ns: Annotated[
        int, Meta(description="The first wait before an event is sent again; it doubles, to twenty times itself.")
    ] = NS_PER_S // 2
    webhook_retry_for_ns: Annotated[int, Meta(description="How long an event is sent again before it is given up.")] = (
        1800 * NS_PER_S
    )
    webhook_repeats: Annotated[
        float, Meta(description="Share (0-1) of the events that are sent a second time although they were taken.")
    ] = 0.0
    webhook_shuffle_ns: Annotated[
        int, Meta(description="Each event is sent at a random instant within it, so in no order; 0: as they happen.")
    ] = 0
    webhook_forgeries: Annotated[
        float,
        Meta(description="Share (0-1) of the failed payments that a forger reports as paid, wrongly signed."),
    ] = 0.0
    webhook_workers: Annotated[int, Meta(description="Events on their way to one endpoint at once.")] = 8
    key_ttl_ns: Annotated[int, Meta(description="How long an idempotency key is remembered.")] = 24 * 3600 * NS_PER_S
    seed: int = 0
    data: Annotated[Path | None, Meta(description="Folder of the ledger; none = forgets at exit.")] = None
    defect: Annotated[str | None, Meta(description="Be wrong in a named way.")] = None

    def __post_init__(self) -> None:
        known_defect(self.defect)
        for flag, rate in (("--rate", self.rate_per_s), ("--endpoint-rate", self.endpoint_rate_per_s)):
            if not 0 <= rate < float("inf"):
                raise UsageError(f"a rate of {rate} operations a second cannot be", where=flag, hint="0 means no limit")
        shares = {
            "--authenticated": self.authenticated,
            "--declined": self.declined,
            "--processing-declined": self.processing_declined,
            "--webhook-repeats": self.webhook_repeats,
            "--webhook-forgeries": self.webhook_forgeries,
        }
        for flag, share in shares.items():
            if not 0 <= share <= 1:
                raise UsageError(f"{share} is not a share", where=flag, hint="0 to 1")
        if not 0 <= self.fee_percent <= 100:
            raise UsageError(f"a fee of {self.fee_percent} % cannot be", where="--fee-percent", hint="try 2.9")
        if self.intent_updates < 0:
            raise UsageError(f"{self.intent_updates} changes cannot be", where="--intent-updates", hint="0 = no limit")
        if self.webhook_workers < 1:
            raise UsageError(f"{self.webhook_workers} cannot carry anything", where="--webhook-workers", hint="try 8")
        if self.concurrency < 0:
            raise UsageError(
                f"{self.concurrency} requests at once cannot be", where="--concurrency", hint="0 means no limit"
            )
