"""`vmdrift rehearse`: an outage of this cluster, or of a dump, played to its end by the product's own code."""
