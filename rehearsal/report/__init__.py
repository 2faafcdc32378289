"""How is a run shown to people and scripts? As a story, as JSON, as a page with a drawn timeline."""
