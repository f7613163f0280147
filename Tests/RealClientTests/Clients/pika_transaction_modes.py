"""pika BlockingConnection: a channel is in confirm mode or in transaction mode, never in both."""

from common import run
from common_pika import Session, expect_channel_closed


def test_no_mix_with_transactions(session):
    connection = session.connect()

    def confirm_then_transaction(channel):
        channel.confirm_delivery()
        channel.tx_select()

    def transaction_then_confirm(channel):
        channel.tx_select()
        channel.confirm_delivery()

    expect_channel_closed(
        connection, confirm_then_transaction, 406, "PRECONDITION_FAILED - cannot switch from confirm to tx mode"
    )
    expect_channel_closed(
        connection, transaction_then_confirm, 406, "PRECONDITION_FAILED - cannot switch from tx to confirm mode"
    )


def test(arguments):
    with Session(arguments) as session:
        test_no_mix_with_transactions(session)
    return "no switch between confirm and transaction mode"


if __name__ == "__main__":
    run(test)
