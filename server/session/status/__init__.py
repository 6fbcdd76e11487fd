"""What a page says of itself: texts for readers who do not see it, and what it waits for.

Imports nothing else of the session.
"""
