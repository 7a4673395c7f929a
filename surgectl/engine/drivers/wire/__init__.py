"""HTTP/1.1 on the bare protocol: one connection, one request at a time, and every byte accounted for."""
