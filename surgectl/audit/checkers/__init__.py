"""One invariant a file; copy the neighbour to add one."""
