"""A drawn shop of shoes with attributes of its own, in English and in German."""
