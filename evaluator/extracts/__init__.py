"""Extracts: contracts, reading, the CPR guard and the ledger of deliveries."""
