"""Assembles policy lists: one customer by a pure function, the whole base by SQL, the same list by both."""
