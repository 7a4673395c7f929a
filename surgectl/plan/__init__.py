"""What will happen: arrivals, crowd and chaos timeline, computed from profile and seed alone."""
