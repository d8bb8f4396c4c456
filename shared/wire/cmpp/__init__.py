"""CMPP 2.0 and 3.0 (China Mobile Point to Point): PDUs, their bytes, long messages, and both ends of a line."""
