"""No more tickets than exist, none lost and none forgotten."""
