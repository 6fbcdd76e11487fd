"""What importance has to do with classes, from stored arrays alone: no model, no torch."""
