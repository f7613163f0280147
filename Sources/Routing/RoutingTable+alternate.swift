import AMQPWire

/// Alternate exchanges: where an exchange's messages go that it leads nowhere.
///
/// An alternate is a name: it need not exist, and whichever exchange has it is meant. While there is one it is behind
/// the exchange like one that is bound (`ExchangeEdge`), so that versions and walks over the graph take it into
/// account.
extension RoutingTable {
    package func setAlternate(of id: ExchangeID, to name: ShortString?) {
        guard id != .default, isPresent(id), alternateNames[id.value] != name else { return }
        walkNumber += 1
        var changedCount = 0
        meet(id.value, &changedCount)
        forgetAlternate(of: id.value)
        if let name {
            alternateNames[id.value] = name
            alternateUsers[name, default: []].insert(id.value)
            if let alternate = name.bytes.withUnsafeBytes({ exchange(named: $0) }) {
                linkAlternate(id.value, to: alternate.value)
            }
        }
        publishChanges(changedCount)
    }

    /// The alternate of an exchange, if there is one at the moment.
    package func alternate(of id: ExchangeID) -> ExchangeID? {
        guard isPresent(id) else { return nil }
        let alternate = exchanges[Int(id.value)].alternate
        return alternate == noIndex ? nil : ExchangeID(value: alternate)
    }

    /// An exchange has come: it is what was meant by its name.
    func linkAlternates(to id: UInt32, named name: ShortString, _ changedCount: inout Int) {
        guard let users = alternateUsers[name] else { return }
        for user in users where user != id {
            linkAlternate(user, to: id)
            meet(user, &changedCount)
        }
    }

    /// An exchange goes.
    func unlinkAlternates(of id: UInt32, named name: ShortString, _ changedCount: inout Int) {
        forgetAlternate(of: id)
        guard let users = alternateUsers[name] else { return }
        for user in users {
            unlinkAlternate(user)
            meet(user, &changedCount)
        }
    }

    private func forgetAlternate(of id: UInt32) {
        unlinkAlternate(id)
        guard let name = alternateNames.removeValue(forKey: id) else { return }
        alternateUsers[name]?.remove(id)
        if alternateUsers[name]?.isEmpty == true { alternateUsers[name] = nil }
    }

    /// An exchange that is its own alternate leads nowhere twice.
    private func linkAlternate(_ id: UInt32, to alternate: UInt32) {
        guard id != alternate else { return }
        exchanges[Int(id)].alternate = alternate
        retainEdge(id, alternate)
    }

    private func unlinkAlternate(_ id: UInt32) {
        let alternate = exchanges[Int(id)].alternate
        guard alternate != noIndex else { return }
        exchanges[Int(id)].alternate = noIndex
        releaseEdge(id, alternate)
    }
}
