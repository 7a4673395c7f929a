"""A second house the box office depends on: it says whether a buyer is who they claim to be."""
