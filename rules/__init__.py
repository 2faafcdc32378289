"""What is true, and what does it mean? Pure: no clock, no network, no randomness."""
