import AMQPWire
import Testing

/// What every generated method can do: for tests that handle methods alike.
protocol WireMethod: Equatable, Sendable {
    static var classID: UInt16 { get }
    static var methodID: UInt16 { get }
    func writeFrame(channel: UInt16, to buffer: inout OutboundBuffer)
}

extension WireMethod {
    /// `queue.declare`.
    static var name: String {
        Method.all.first { $0.classID == classID && $0.methodID == methodID }?.name ?? "\(Self.self)"
    }
}

extension Method {
    /// The method as the struct that it is.
    func unwrapped<Wanted: WireMethod>(as type: Wanted.Type) -> Wanted? {
        Mirror(reflecting: self).children.first?.value as? Wanted
    }
}

extension ConnectionStart: WireMethod {}
extension ConnectionStartOk: WireMethod {}
extension ConnectionSecure: WireMethod {}
extension ConnectionSecureOk: WireMethod {}
extension ConnectionTune: WireMethod {}
extension ConnectionTuneOk: WireMethod {}
extension ConnectionOpen: WireMethod {}
extension ConnectionOpenOk: WireMethod {}
extension ConnectionClose: WireMethod {}
extension ConnectionCloseOk: WireMethod {}
extension ConnectionBlocked: WireMethod {}
extension ConnectionUnblocked: WireMethod {}
extension ConnectionUpdateSecret: WireMethod {}
extension ConnectionUpdateSecretOk: WireMethod {}
extension ChannelOpen: WireMethod {}
extension ChannelOpenOk: WireMethod {}
extension ChannelFlow: WireMethod {}
extension ChannelFlowOk: WireMethod {}
extension ChannelClose: WireMethod {}
extension ChannelCloseOk: WireMethod {}
extension AccessRequest: WireMethod {}
extension AccessRequestOk: WireMethod {}
extension ExchangeDeclare: WireMethod {}
extension ExchangeDeclareOk: WireMethod {}
extension ExchangeDelete: WireMethod {}
extension ExchangeDeleteOk: WireMethod {}
extension ExchangeBind: WireMethod {}
extension ExchangeBindOk: WireMethod {}
extension ExchangeUnbind: WireMethod {}
extension ExchangeUnbindOk: WireMethod {}
extension QueueDeclare: WireMethod {}
extension QueueDeclareOk: WireMethod {}
extension QueueBind: WireMethod {}
extension QueueBindOk: WireMethod {}
extension QueueUnbind: WireMethod {}
extension QueueUnbindOk: WireMethod {}
extension QueuePurge: WireMethod {}
extension QueuePurgeOk: WireMethod {}
extension QueueDelete: WireMethod {}
extension QueueDeleteOk: WireMethod {}
extension BasicQos: WireMethod {}
extension BasicQosOk: WireMethod {}
extension BasicConsume: WireMethod {}
extension BasicConsumeOk: WireMethod {}
extension BasicCancel: WireMethod {}
extension BasicCancelOk: WireMethod {}
extension BasicPublish: WireMethod {}
extension BasicReturn: WireMethod {}
extension BasicDeliver: WireMethod {}
extension BasicGet: WireMethod {}
extension BasicGetOk: WireMethod {}
extension BasicGetEmpty: WireMethod {}
extension BasicAck: WireMethod {}
extension BasicReject: WireMethod {}
extension BasicRecoverAsync: WireMethod {}
extension BasicRecover: WireMethod {}
extension BasicRecoverOk: WireMethod {}
extension BasicNack: WireMethod {}
extension ConfirmSelect: WireMethod {}
extension ConfirmSelectOk: WireMethod {}
extension TxSelect: WireMethod {}
extension TxSelectOk: WireMethod {}
extension TxCommit: WireMethod {}
extension TxCommitOk: WireMethod {}
extension TxRollback: WireMethod {}
extension TxRollbackOk: WireMethod {}
