"""Explains one assembled list: what would have had to differ, what stood in the way, and by which term something came second."""
