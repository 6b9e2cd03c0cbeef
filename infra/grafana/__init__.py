"""Grafana: provisioning files, and the way to a Grafana that does not read them."""
