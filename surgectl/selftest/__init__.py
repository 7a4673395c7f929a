"""Who tests the tester: shops that are wrong on purpose must be found out, and right ones must never be accused."""
