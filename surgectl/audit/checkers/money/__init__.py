"""Everybody paid once, for what they got, at the price shown."""
