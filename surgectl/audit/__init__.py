"""Three ledgers reconciled: every invariant a checker, every verdict counted."""
