"""How a fan reacts: a retry policy as data and a script without I/O."""
