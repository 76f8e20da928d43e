"""What polycloud remembers: keys, the overlay, the ledger of usage."""
