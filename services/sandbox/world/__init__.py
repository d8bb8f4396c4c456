"""The simulated province: its people, what they do, and the tastes behind it that nobody outside may see."""
