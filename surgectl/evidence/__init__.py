"""What the authorities say afterwards: the shop's books and the provider's ledger."""
