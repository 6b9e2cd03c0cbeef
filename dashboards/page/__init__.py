"""The live page: the boards in a browser, without Grafana, and a box for questions in SQL.

Law: the page knows SQL and panels, and neither the store's address nor its password; it is given a function that asks.
Everything that a browser sends is judged before anything is asked, everything it shows was put there as text.
"""

from dashboards.page.app import make_app
from dashboards.page.asking import Answer, Ask, Refused

__all__ = ["Answer", "Ask", "Refused", "make_app"]
