"""What panels are drawn with: the views of a state, text, marks, attention as pictures."""
