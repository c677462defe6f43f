"""The API server: requests, responses as objects or our errors, quantities, and the ConfigMap of interventions."""
