"""Simulated shoppers, and what is learned from their clicks."""
