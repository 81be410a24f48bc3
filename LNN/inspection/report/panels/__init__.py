"""The parts of the page, one file each: HTML that stands, and data for its script."""
