"""How the shop carries a crowd that is too large: numbers with limits."""
