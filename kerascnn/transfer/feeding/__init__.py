"""What training is fed with: batches of any kind, checked, with their sample weights."""
