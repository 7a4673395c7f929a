"""The run: fans are dispatched when due, every send is journalled before it leaves."""
