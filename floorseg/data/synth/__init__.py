"""Floorplans nobody drew: layouts, drawing styles and wear, each with its exact truth."""
