"""Segment floorplans with SAM 2: click, compare, inspect, fine-tune, evaluate."""

__version__ = "0.1.0"
