"""An engine that a workshop's host lends to seats: the host's end, and the learner's."""
