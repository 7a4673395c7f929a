"""How bytes move: one HTTP client a file behind the Driver interface."""
