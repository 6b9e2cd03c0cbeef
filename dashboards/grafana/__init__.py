"""Boards and alert rules as Grafana reads them.

Law: nothing here decides what is shown; it puts what `dashboards.panel` and `dashboards.alerts` say into Grafana's
words.  The SDK is a development dependency: `make dashboards` writes files that are checked in, and nothing
else imports it.
"""
