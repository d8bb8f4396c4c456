"""Bulk data in and out: the operator's files, and rows of published datasets."""
