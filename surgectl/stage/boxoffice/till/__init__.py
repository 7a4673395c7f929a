"""Where the money is taken: paid at the provider, asked about, given back."""
