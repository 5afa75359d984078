"""Property tests of the statistics: the same examples every time, and no clock on a shared machine."""

from hypothesis import settings

settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")
