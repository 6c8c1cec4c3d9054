"""A check for the fuzzer: no server error but those that Connect itself defines (connect-runtime.md §1.3, §1.13, §1.17)."""

import schemathesis

DEFINED = (
    "Request cannot be completed because a rebalance is expected",
    "Failed to alter consumer group offsets for connector",
    "Failed to reset consumer group offsets for connector",
    "This worker is still starting up and has not been able to read a session key",
)


@schemathesis.check
def no_server_error_of_its_own(ctx, response, case):
    if response.status_code >= 500:
        message = response.json().get("message", "")
        assert message.startswith(DEFINED), f"{response.status_code}: {message}"
