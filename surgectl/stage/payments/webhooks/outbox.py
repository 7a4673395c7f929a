"""Who is still to be told of what: rebuilt from the ledger after a restart, so that no letter is forgotten."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from surgectl.stage.payments.ledger import Mail
from surgectl.stage.payments.objects import Event, WebhookEndpoint

WAITING, DELIVERED, GIVEN_UP, DROPPED, NO_ADDRESS = "waiting", "delivered", "given-up", "dropped", "endpoint-deleted"


class Letter(msgspec.Struct):
    """One event for one endpoint. `tries` counts each sending, copies too; `last_status` is None without an answer."""

    event: Event
    endpoint: WebhookEndpoint
    state: str = WAITING
    tries: int = 0
    last_status: int | None = None
    last_error: str | None = None
    copies: int = 0
    forged: bool = False
    """Written by somebody who does not know the secret, about a payment that never was; sent once, whatever is said."""

    def mail(self) -> Mail:
        return Mail(self.event.id, self.endpoint.id, self.state, self.tries, self.last_status, self.last_error)


class Outbox:
    """Every letter ever due, and those not yet handed to the courier."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.fresh: list[Letter] = []
        self._waiting: dict[tuple[str, str], Letter] = {}

    def waiting(self) -> list[Letter]:
        return list(self._waiting.values())

    def post(self, events: Iterable[Event], endpoints: Iterable[WebhookEndpoint]) -> None:
        """A letter for each endpoint that wants the event."""
        takers = list(endpoints)
        for event in events:
            for endpoint in takers:
                if endpoint.wants(event.type):
                    letter = Letter(event, endpoint)
                    event.pending_webhooks += 1
                    self.letters.append(letter)
                    self.fresh.append(letter)
                    self._waiting[event.id, endpoint.id] = letter

    def close(self, letter: Letter, state: str) -> None:
        """This letter's story is over."""
        if self._waiting.pop((letter.event.id, letter.endpoint.id), None) is not None:
            letter.state = state
            letter.event.pending_webhooks -= 1

    def recall(self, mail: Mail) -> None:
        """What an earlier life noted of a letter."""
        letter = self._waiting.get((mail.event, mail.endpoint))
        if letter is not None:
            letter.tries, letter.last_status, letter.last_error = mail.tries, mail.status, mail.error
            self.close(letter, mail.state)

    def forget_endpoint(self, endpoint: str) -> None:
        for letter in self.waiting():
            if letter.endpoint.id == endpoint:
                self.close(letter, NO_ADDRESS)

    def clear(self) -> None:
        self.letters.clear()
        self.fresh.clear()
        self._waiting.clear()
