"""What somebody was told, and what was no answer at all: a page that nobody could reach says nothing of an order."""

from __future__ import annotations

NO_ANSWER = "('shed', 'quit', 'not-sent', 'target-error', 'unknown')"
"""Ends of an operation at which nobody said what became of the order: never sent, turned away at the door, given up."""

UNANSWERED = f"""(outcome = 'info' OR (outcome = 'fail' AND "end" IN {NO_ANSWER}))"""
"""Of a row of `tolds`: a look at the status that taught nobody anything."""
