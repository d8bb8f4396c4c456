"""Mail for many: composed letters, signed addresses, and what comes back (RFC 2045-2047, 3464, 5322, 5965, 8058)."""
