"""Out to where people already look: Prometheus and OpenTelemetry. The run never waits for anybody here."""
