"""The images of the course: catalogue, pull, recipes, packs, mirror."""
