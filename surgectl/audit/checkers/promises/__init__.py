"""What the shop told a fan stays true."""
