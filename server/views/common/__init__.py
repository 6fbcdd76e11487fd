"""Helpers of several views: drawing, gestures, legends."""
