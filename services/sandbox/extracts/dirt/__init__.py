"""Faults on request: what operators' extracts have in them on bad days, each planted fault written down."""
