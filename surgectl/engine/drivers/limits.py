"""How much a shop may say before it is no reply any more."""

MOST_BODY_BYTES = 8 * 1024 * 1024
"""A longer body (after decompression) is `invalid`."""
MOST_HEADER_BYTES = 65_536
"""A longer header is `invalid`."""
KEEPALIVE_S = 15.0
"""A connection that nobody used for so long is closed: most servers keep theirs longer."""
MOST_REFUSAL_BYTES = 1_000_000
"""Of the reply to a request for an event stream or a WebSocket no more is read."""
