"""The embedded proxy: Toxiproxy's API and toxics for machines without Toxiproxy."""
