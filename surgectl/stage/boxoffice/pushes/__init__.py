"""The waiting room that speaks by itself: who keeps the page of the line open is told when it has moved for them."""
