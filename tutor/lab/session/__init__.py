"""A lab session: opening, shell, steps, verdicts, closing, and what a crash leaves behind."""
