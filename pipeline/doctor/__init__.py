"""Is a set-up fit to work in: address, token, versions, storage, MLflow, GPUs, memory, disk."""
