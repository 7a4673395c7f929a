"""Numbers the user demands: a small grammar and its evaluation over series."""
