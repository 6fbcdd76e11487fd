"""D2 to D5: one attention matrix."""
