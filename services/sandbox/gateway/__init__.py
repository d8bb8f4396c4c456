"""The operator's SMS gateway (ISMG) of the simulated province, speaking CMPP 2.0 and 3.0 to whoever may log in."""
