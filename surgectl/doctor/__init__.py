"""Looks at a shop, its links and its books before anybody storms it, and says what to put right."""
