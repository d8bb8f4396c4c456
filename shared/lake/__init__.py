"""The data plane: immutable datasets published by one atomic step, their schemas from contracts, and a columnar engine."""
