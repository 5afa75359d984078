"""What results were computed from and with, and what changed between two sets of them."""
