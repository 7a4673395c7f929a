"""Rehearse a ticket on-sale: crowd, chaos, and a verdict that can be trusted."""

__version__ = "0.1.0"
