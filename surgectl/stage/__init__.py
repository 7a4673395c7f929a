"""The embedded stage: a shop, a payment provider and a proxy to rehearse against."""
