"""The operator's monthly extracts of the simulated province, as BOSS and the analysis warehouse would hand them over."""
