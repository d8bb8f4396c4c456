"""Runs suites in the layout of the DMN TCK against our parser, closures and columnar back end."""
