"""Two runs of one profile: is the second the same as the first, better, worse, or can nobody tell?"""
