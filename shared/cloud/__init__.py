"""The only code that talks to container registries and to Azure Resource Graph."""
