"""Drafts a target file from what a browser recorded, or from what a shop says of its own API."""
