import AMQPWire
import Testing

/// Walks over every method of the specification: none is without a conversation in which it really was on the wire.
@Test func everyMethodHasAConversation() {
    let recorder = MethodRecorder()
    let conversations =
        ConnectionConversations.all + ChannelConversations.all + AccessConversations.all + ExchangeConversations.all
        + QueueConversations.all + BasicConversations.all + ConfirmConversations.all + TxConversations.all
    MethodRecorder.$current.withValue(recorder) {
        for conversation in conversations { conversation.run() }
    }
    let methods = recorder.methods
    let names = Set(conversations.map(\.method))
    for method in Method.all {
        #expect(names.contains(method.name), "no conversation is about \(method.name)")
        if method.serverReceives {
            #expect(methods.sent.contains(method.name), "no client has sent \(method.name)")
        } else {
            #expect(methods.sent.contains(method.name), "no client has tried to send \(method.name)")
        }
        if method.clientReceives {
            let isSeen = methods.seen.contains(method.name)
            if let reason = neverSent[method.name] {
                #expect(!isSeen, "\(method.name) was sent, although: \(reason)")
            } else {
                #expect(isSeen, "no client has got \(method.name)")
            }
        }
    }
    #expect(Set(neverSent.keys).isSubset(of: Method.all.map(\.name)))
}

/// Methods that the broker could send, and why it does not.
private let neverSent: [String: String] = [
    "connection.secure": "PLAIN and AMQPLAIN need no challenge",
    "channel.flow": "TCP holds publishers back",
]
