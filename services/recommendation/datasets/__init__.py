"""Recommendation's datasets in the lake: what matrices may test, one customer's inputs, lists and targets."""
