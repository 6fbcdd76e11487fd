"""The examination of a whole store: what is damaged, and how to mend it."""
