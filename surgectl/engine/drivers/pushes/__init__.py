"""Connections on which the shop speaks without being asked: event streams and WebSockets."""
