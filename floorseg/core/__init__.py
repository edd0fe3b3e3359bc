"""Arrays and torch: masks, prompts, models. Knows nothing of Gradio, processes or folders."""
