"""Apache Kafka on loopback without Docker: one or three KRaft brokers, their jars resolved by Maven."""
