"""Alerts: what can't wait until somebody looks, sent to who should know."""
