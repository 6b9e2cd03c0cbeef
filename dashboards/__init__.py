"""What people watch: panels defined once, rendered to Grafana's JSON and to the live page."""
