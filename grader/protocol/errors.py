"""What can go wrong on the channel.

ChannelError
├── ProtocolError     bytes that are no valid frame, or a valid frame that answers nothing asked
├── ChannelClosed     the other side hung up: the worker process is gone
└── DeadlineExpired   no complete reply before the request's deadline
"""


class ChannelError(Exception):
    """The channel to the worker is of no further use."""


class ProtocolError(ChannelError):
    """The bytes received are not a message of this protocol."""


class ChannelClosed(ChannelError):
    """The other side closed the channel (its process ended)."""


class DeadlineExpired(ChannelError):
    """The deadline passed before a complete reply arrived."""
