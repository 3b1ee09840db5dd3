"""What is known, as others are shown it: pure, over the state's reading methods."""
