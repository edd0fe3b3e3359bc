"""State, caches, locks and processes behind the page. Knows nothing of Gradio."""
