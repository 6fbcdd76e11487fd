"""One file for each kind of panel: a function that draws it, and says what it shows."""
