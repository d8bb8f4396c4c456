"""What profile knows: months, the operator's tables, how a mapping file describes them, imports and snapshots."""
