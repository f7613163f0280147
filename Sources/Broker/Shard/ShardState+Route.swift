import AMQPWire
import Routing

// From a message to its queues, where more than its exchange and routing key counts.
extension ShardState {
    /// Adds the queues that a message reaches from an exchange.
    ///
    /// - Parameters:
    ///   - copies: its further routing keys; nil for those of its own headers.
    ///   - passesGates: those that remember what passes do not take it.
    ///   - avoided: an exchange that leads it nowhere.
    func route(
        _ message: Message, from exchange: ExchangeID, key: UnsafeRawBufferPointer, copies: [ShortString]? = nil,
        _ host: Int, passesGates: Bool = false, avoiding avoided: ExchangeID? = nil, into routes: inout RouteBuffer
    ) {
        var routed = RoutedMessage(routingKey: key)
        routed.avoided = avoided
        // The properties were checked when they came in, or are this broker's own.
        if let properties = try? BasicPropertiesView(validating: message.properties) {
            routed.headers = properties.headers
            if let copies {
                routed.copies = copies
            } else if properties.hasCopies, !message.care.contains(.routedByKeyAlone) {
                routed.copies = (try? CarbonCopies.keys(in: properties.headerTable)) ?? []
            }
            if !virtualHosts[host].gates.isEmpty {
                routed.gates = gates(of: properties, hasPassed: passesGates || message.hasPassedGate)
            }
            if virtualHosts[host].routing.dependsOnMessage(exchange) {
                routed.correlationID = properties.correlationID
                routed.messageID = properties.messageID
                routed.timestamp = properties.timestamp
                routed.random = random.next()
            }
        }
        virtualHosts[host].routing.route(exchange, routed, into: &routes)
    }

    /// The gates that take a message.
    private func gates(of properties: BasicPropertiesView, hasPassed: Bool) -> ExchangeGates {
        var gates: ExchangeGates = hasPassed ? [] : .history
        if properties.headerNames.isDisjoint(with: [.delay, .deduplication]) { return gates }
        let headers = properties.headerTable
        if Delay.milliseconds(in: headers) != nil { gates.insert(.delay) }
        if !hasPassed, DeduplicationHeader.key(in: headers) != nil { gates.insert(.deduplication) }
        return gates
    }

    /// Whether a message is for some queue, or for later: RabbitMQ returns a mandatory one that an exchange only
    /// remembers.
    @inline(never)
    func leadsBehindGates(
        _ message: Message, from exchange: ExchangeID, _ copies: [ShortString], _ host: Int
    ) -> Bool {
        var routes = RouteBuffer()
        defer { routes.deallocate() }
        route(
            message, from: exchange, key: message.routingKey, copies: copies, host, passesGates: true, into: &routes)
        return !routes.isEmpty
    }

    /// The header of a message with `CC` or `BCC`. Both are kept, since dead-lettering routes by them again; the latter
    /// nobody gets to see.
    @inline(never)
    func receiveCopiedHeader(
        _ channel: UnsafeMutablePointer<ChannelState>, _ view: BasicPropertiesView,
        _ propertyBytes: UnsafeRawBufferPointer, bodyByteCount: Int, _ story: MessageStory
    ) {
        do throws(ProtocolError) {
            channel.pointee.assembly.headerRoutes = .keys(try CarbonCopies.keys(in: view.headerTable))
        } catch {
            channel.pointee.assembly.headerRoutes = .malformed(error)
        }
        // What was found for the last message with this address is not for this one.
        channel.pointee.routes.current.pointee.exchange = nil
        var story = story
        if view.headerNames.contains(.blindCarbonCopy) {
            story = MessageStory(
                publishedMilliseconds: story.publishedMilliseconds, priority: story.priority,
                care: story.care.union(.hidesCopies))
        }
        channel.pointee.assembly.receiveHeader(
            store(
                addressing: channel.pointee.routes.current.pointee.addressing, properties: propertyBytes,
                bodyByteCount: bodyByteCount, isPersistent: view.isPersistent, story: story))
    }

    /// The further routing keys of the message that has been received on a channel.
    func takeCopies(_ channel: UnsafeMutablePointer<ChannelState>) throws(ProtocolError) -> [ShortString] {
        let routes = channel.pointee.assembly.headerRoutes
        channel.pointee.assembly.headerRoutes = .none
        switch routes {
        case .none: return []
        case .keys(let keys): return keys
        case .malformed(let error): throw error
        }
    }
}
