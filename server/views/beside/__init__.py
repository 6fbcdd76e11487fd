"""Two stores, head by head: their differences, and which head is which."""
