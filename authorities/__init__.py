"""Who they are: authorities, their inhabitants by year, placements, membership of the association, succession."""
