"""The folder of a run: what was planned, sent, seen and broken. Append-only, the hinge of the design."""
