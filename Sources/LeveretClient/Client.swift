// The client library comes in its own commit.
