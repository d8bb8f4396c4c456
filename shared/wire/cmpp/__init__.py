"""CMPP 2.0 (China Mobile Point to Point): PDUs, their bytes, and both ends of a line that carries them."""
