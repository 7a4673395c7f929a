"""One summary of a run, shown as terminal text, HTML, JSON and JUnit."""
