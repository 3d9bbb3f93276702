"""A text before it is understood: cleaned, searched for danger, freed of what tells who somebody is."""
