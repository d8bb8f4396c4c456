"""What dispatch knows by itself: plans, pushes, contact rules, the words of customers, the results of calls; no I/O."""
