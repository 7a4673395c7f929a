"""Several rehearsals, and one answer: go, no-go, or not shown."""
