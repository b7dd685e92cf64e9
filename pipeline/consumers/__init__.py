"""What people do with tags: search, playlists, recaps, new tags by example."""
