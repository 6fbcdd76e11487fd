"""What two stores on one page share, and which head of one is which of the other."""
