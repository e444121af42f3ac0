"""Questions one after the other: what quiz, review and placement share."""
