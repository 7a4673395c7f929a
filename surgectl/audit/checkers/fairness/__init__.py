"""First come, first served, where the sale says so: numbers with limits."""
