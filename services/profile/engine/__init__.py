"""Columnar steps: source lines into typed rows and rejects, typed rows into customer views. Pure SQL over one engine."""
