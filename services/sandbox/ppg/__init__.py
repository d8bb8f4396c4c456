"""The operator's push gateway (PPG) of the simulated province, speaking PAP 2.0 over HTTP."""
