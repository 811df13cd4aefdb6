"""Loads a catalogue into an engine, and the model that belongs to it into the bundle."""
