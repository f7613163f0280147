import AMQPWire

// What administrative interfaces ask for by name.
extension ControlPlane {
    package func hasVirtualHost(_ name: ShortString) -> Bool {
        (try? withTopology { $0.virtualHostIndexes[name] != nil }) ?? false
    }

    /// Whether the virtual host is there and the user has permissions in it.
    package func mayOpen(_ virtualHost: ShortString, user: ShortString) -> Bool {
        let isAllowed = try? withTopology { topology throws(ProtocolError) -> Bool in
            guard topology.virtualHostIndexes[virtualHost] != nil else { return false }
            try topology.access.checkEntry(of: user, to: virtualHost)
            return true
        }
        return isAllowed ?? false
    }
}
