"""What one call may cost the server: bytes and seconds."""

MAX_BODY = 64_000  # bytes of one call
SECONDS = 4.5  # for a whole turn, waiting included; patients are told within five
