"""Processes that answer for the shop at its address: from memory what can be known, the rest by asking the shop."""
