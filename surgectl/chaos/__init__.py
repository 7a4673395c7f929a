"""Faults on links between the shop and what it depends on: played on time, always healed."""
