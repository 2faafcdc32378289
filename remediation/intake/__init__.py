"""What does a body from outside say, if anything? Untrusted bytes in, signals or a reason out."""
