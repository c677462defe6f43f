"""Random nonsense where others write: requests, objects of the cluster, what is in Redis (tests.fuzz.__main__)."""
