"""The payment provider simulator: Stripe-shaped, with limits, faults and an honest ledger."""
