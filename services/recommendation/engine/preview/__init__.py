"""What drafts of matrices would change, for the whole base and without any effect: the same scan, the same arbitration, counted twice."""
