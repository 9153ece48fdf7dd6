"""What the calls of a log would have done under other settings, decided by the router itself on the log's own clock."""

from dragoman.routing.replay._log_file import Log, read_log
from dragoman.routing.replay._performance import replay
from dragoman.routing.replay._played import ReplayedRouter
from dragoman.routing.replay._report import Move, Replay, Total

__all__ = ["Log", "Move", "Replay", "ReplayedRouter", "Total", "read_log", "replay"]
