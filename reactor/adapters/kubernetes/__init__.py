"""The API server: requests, answers as objects or our errors, quantities, and the ConfigMap of interventions."""
