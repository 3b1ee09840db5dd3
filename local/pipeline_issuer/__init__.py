"""Issues the tokens of pipelines' jobs, and publishes the keys that they are checked by.

with Simulator(world, token_issuer=PipelineIssuer()) as simulator: ...

The simulated Azure DevOps knows no cryptography: it serves what this publishes at `vstoken.dev.azure.com`.
"""

from __future__ import annotations

from local.pipeline_issuer.issuer import AUDIENCE, HOST, PipelineIssuer

__all__ = ["AUDIENCE", "HOST", "PipelineIssuer"]
