"""The box office for people with a browser: plain pages and forms."""
