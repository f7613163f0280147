import AMQPWire
import Broker

/// A method that a direct connection can send.
package protocol DirectMethod: Sendable {
    func writeFrame(channel: UInt16, to buffer: inout OutboundBuffer)
}

extension BasicGet: DirectMethod {}
extension BasicNack: DirectMethod {}
extension BasicAck: DirectMethod {}
extension BasicReject: DirectMethod {}
extension ChannelClose: DirectMethod {}
extension ChannelOpen: DirectMethod {}
extension ConfirmSelect: DirectMethod {}
extension ExchangeBind: DirectMethod {}
extension ExchangeDeclare: DirectMethod {}
extension ExchangeDelete: DirectMethod {}
extension ExchangeUnbind: DirectMethod {}
extension QueueBind: DirectMethod {}
extension QueueDeclare: DirectMethod {}
extension QueueDelete: DirectMethod {}
extension QueuePurge: DirectMethod {}
extension QueueUnbind: DirectMethod {}

/// What a direct connection gets back.
package enum DirectReply: Sendable {
    case method(Method)
    /// basic.get-ok with its message.
    case message(DirectMessage)
    /// basic.ack or basic.nack of the one message that was published.
    case published(wasAccepted: Bool, wasReturned: Bool)
}

/// A message that basic.get has given.
package struct DirectMessage: Sendable {
    package let delivery: BasicGetOk
    package let properties: BasicProperties
    package let body: [UInt8]
}

/// Why a direct connection did not do what it was asked for.
package enum DirectError: Error, Equatable, Sendable {
    /// channel.close or connection.close.
    case closed(code: ReplyCode, text: String)
    case timedOut
    /// The node is being stopped.
    case unavailable

    init(_ error: ProtocolError) { self = .closed(code: error.code, text: error.replyText.description) }
}
