"""Logs, traces and metrics of one process, correlated with each other and free of subscriber numbers."""
