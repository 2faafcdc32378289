"""How fast is it? Programs that print figures; `make bench` runs them."""
