"""The ledger (plan, commit, resume, verify) and the tables that consumers read."""
