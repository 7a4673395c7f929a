"""What is sent to the shop and what its replies mean, compiled once from the target file."""
