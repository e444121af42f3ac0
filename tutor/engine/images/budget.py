"""What a class costs in pulls, against Docker Hub's limit for those who do not sign in (pure).

The limit: https://docs.docker.com/docker-hub/usage/pulls/ (100 in six hours for each IPv4 address or IPv6 /64
network; 200 for each personal account; a pull of an image counts once, whatever its layers).
"""

from __future__ import annotations

from dataclasses import dataclass

ANONYMOUS = 100
SIGNED_IN = 200
WINDOW_HOURS = 6
SOURCE = "https://docs.docker.com/docker-hub/usage/pulls/"


@dataclass(frozen=True)
class Budget:
    """Learners × images against the limit.

    Attributes:
        learners: Machines that pull behind one address.
        images: Images that each of them pulls.
        megabytes: What all of these take on one machine's disk, about.
    """

    learners: int
    images: int
    megabytes: int

    @property
    def pulls(self) -> int:
        """Pulls of the whole class."""
        return self.learners * self.images

    @property
    def at_once(self) -> int:
        """So many learners get all images before the limit."""
        return ANONYMOUS // self.images if self.images else self.learners

    @property
    def fits(self) -> bool:
        """Whether the class may simply pull."""
        return self.pulls <= ANONYMOUS

    @property
    def hours(self) -> int:
        """So many hours until the last learner has everything; 0 when all fits at once."""
        return max(0, -(-self.pulls // ANONYMOUS) - 1) * WINDOW_HOURS
