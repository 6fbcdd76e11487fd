"""What several views use: drawing, gestures, legends."""
