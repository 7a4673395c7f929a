"""The demo shop: sells tickets over HTTP from a real database, and is right about it."""
