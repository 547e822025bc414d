"""The public tier: what anyone may see of a month, published only when all of it is safe."""

from orchestration.publication.public.release import PublicOutcome, passes, release_public

__all__ = ["PublicOutcome", "passes", "release_public"]
