"""The public tier: what anyone may see of a month, published only when all of it is safe."""

from orchestration.publication.public.release import (
    PublicOutcome,
    outdated,
    passes,
    release_public,
)

__all__ = ["PublicOutcome", "outdated", "passes", "release_public"]
