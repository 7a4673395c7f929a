"""The same box office in a stranger's clothes."""
