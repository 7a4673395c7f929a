"""What can be seen while it happens: a lossy tap, a fold, a dashboard."""
