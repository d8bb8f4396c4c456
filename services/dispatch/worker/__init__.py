"""The work that no RPC waits for: loading plans, sending messages, and keeping the ledger in order."""
