"""How heads act together: pairs that stand in for each other, and what answers when one is gone."""
