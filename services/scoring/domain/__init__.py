"""What scoring is about: models and what they predict, scorings of snapshots, and the rules of a province."""
