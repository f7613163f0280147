extension RoutingTable {
    /// Whether this exchange or one behind it looks at more of a message than its routing key, or chooses by chance:
    /// then a result must not be remembered by routing key alone.
    package func dependsOnMessage(_ id: ExchangeID) -> Bool {
        guard isPresent(id) else { return false }
        let exchange = exchanges + Int(id.value)
        if exchange.pointee.checkedGraphVersion != graphVersion {
            exchange.pointee.wayDependsOnMessage = findsDependence(id.value)
            exchange.pointee.checkedGraphVersion = graphVersion
        }
        return exchange.pointee.wayDependsOnMessage
    }

    private func findsDependence(_ start: UInt32) -> Bool {
        walkNumber += 1
        var count = 0
        meet(start, &count)
        while count > 0 {
            count -= 1
            let exchange = exchanges + Int(pending[count])
            if exchange.pointee.dependsOnMessage { return true }
            var edge = exchange.pointee.edges
            while edge != noIndex {
                meet(edges[edge].pointee.destination, &count)
                edge = edges[edge].pointee.sourceNext
            }
        }
        return false
    }

    /// Gives a new version to the exchanges of `pending[0..<count]`, which are marked, and to all before them: routes
    /// through those pass through these.
    func publishChanges(_ changedCount: Int) {
        lastVersion += 1
        // Results that were begun must look up anew what they hold.
        epoch += 1
        var count = changedCount
        while count > 0 {
            count -= 1
            let index = pending[count]
            versions[Int(index)] = lastVersion
            var edge = exchanges[Int(index)].incomingEdges
            while edge != noIndex {
                meet(edges[edge].pointee.source, &count)
                edge = edges[edge].pointee.destinationNext
            }
        }
    }

    /// Puts an exchange into `pending` unless this walk has met it.
    @inline(__always)
    func meet(_ index: UInt32, _ count: inout Int) {
        if exchangeMarks[Int(index)] == walkNumber { return }
        exchangeMarks[Int(index)] = walkNumber
        pending[count] = index
        count += 1
    }
}
