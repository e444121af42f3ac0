"""The shell beside the lesson: a widget on `tutor.terminal`."""
