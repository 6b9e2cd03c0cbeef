"""The embedded stack: a Kafka-compatible broker and a ClickHouse that need nothing but Python packages."""
