"""pika: a wrong password and a missing virtual host are refused with RabbitMQ's codes, texts and pika's exceptions."""

import pika
from pika.exceptions import ProbableAccessDeniedError, ProbableAuthenticationError

from common import Failure, expect_equal, run, unique_name
from common_pika import connection_parameters

LOGIN_REFUSED = (
    "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile."
)


def expect_refused(arguments, exception, reply_code, reply_text, **overrides):
    try:
        pika.BlockingConnection(connection_parameters(arguments, **overrides)).close()
    except exception as error:
        expect_equal(error.args, (f"ConnectionClosedByBroker: ({reply_code}) {reply_text!r}",), "the refusal")
    else:
        raise Failure(f"the connection was accepted, expected {reply_code} {reply_text!r}")


def test(arguments):
    # The text must not tell whether the user or the password was wrong.
    for username, password in ((arguments.username, "wrong"), (unique_name("nobody"), arguments.password)):
        credentials = pika.PlainCredentials(username, password)
        expect_refused(arguments, ProbableAuthenticationError, 403, LOGIN_REFUSED, credentials=credentials)
    missing = unique_name("vhost")
    expect_refused(
        arguments, ProbableAccessDeniedError, 530, f"NOT_ALLOWED - vhost {missing} not found", virtual_host=missing
    )
    pika.BlockingConnection(connection_parameters(arguments)).close()
    return "wrong password and unknown user 403, missing virtual host 530"


if __name__ == "__main__":
    run(test)
