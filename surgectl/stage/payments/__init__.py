"""A pretend card company: it takes pretend money, writes down every charge, and can be told to have a bad day.

Shaped like version 1 of Stripe's API (docs.stripe.com/api), because that is what shops speak. It runs in a
process of its own (`surgectl stage payments`), holds its books in memory, and keeps an append-only ledger
file so that a kill -9 forgets neither a charge nor the stored result of an idempotency key.

A request's way: `server` → `provider` → `desk` (`door`: keys and limits · `idempotency` · `routes` → `commands` ·
`faults`) → `deeds` → a room that moves money (`intents`, `paying`, `refunds`, `people`, `endpoints`) → `book` →
`scribe` (`ledger`) → `delivery`. What comes afterwards: `later` decides what was `pending`, `webhooks/` tells the
shop. What is only looked at: `reads` (`shelf`, `expand`, `balance`, `events`), and `control` (`views`, `requestlog`).
"""
