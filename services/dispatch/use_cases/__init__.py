"""What dispatch does, one function each, within a transaction that the caller opened and commits."""
