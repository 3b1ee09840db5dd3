"""HTML of what is known: templates, a style and a small script. No build step, and nothing from elsewhere."""
