"""Clicks of shoppers: reads logs, estimates position bias, and makes graded queries."""
