"""Language models: `models.RemoteLLM` over the network, `local.LocalLLM` in process."""
