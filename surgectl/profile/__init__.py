"""What the user wrote: rehearsals, targets and retry profiles as frozen data."""
