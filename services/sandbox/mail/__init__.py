"""The operator's mail gateway and mailboxes of the simulated province: takes mail by SMTP, bounces it, and lets its readers answer."""
