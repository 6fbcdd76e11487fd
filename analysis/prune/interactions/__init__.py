"""What heads do to one another: who answers when one is gone, and which pairs stand in."""
