/// Which exchange is behind which, however many bindings lead there: what walks over exchanges go by.
extension RoutingTable {
    func retainEdge(_ source: UInt32, _ destination: UInt32) {
        let found = findEdge(source, destination)
        if found != noIndex {
            edges[found].pointee.bindingCount += 1
            return
        }
        let index = edges.insert(ExchangeEdge(source: source, destination: destination))
        edgeIndex.insert(edgeHash(source, destination), index)
        let edge = edges[index]
        edge.pointee.sourceNext = exchanges[Int(source)].edges
        if edge.pointee.sourceNext != noIndex { edges[edge.pointee.sourceNext].pointee.sourcePrevious = index }
        exchanges[Int(source)].edges = index
        edge.pointee.destinationNext = exchanges[Int(destination)].incomingEdges
        if edge.pointee.destinationNext != noIndex {
            edges[edge.pointee.destinationNext].pointee.destinationPrevious = index
        }
        exchanges[Int(destination)].incomingEdges = index
        graphVersion += 1
    }

    func releaseEdge(_ source: UInt32, _ destination: UInt32) {
        let index = findEdge(source, destination)
        precondition(index != noIndex, "a binding between exchanges has an edge")
        edges[index].pointee.bindingCount -= 1
        guard edges[index].pointee.bindingCount == 0 else { return }
        let edge = edges[index].pointee
        if edge.sourcePrevious != noIndex {
            edges[edge.sourcePrevious].pointee.sourceNext = edge.sourceNext
        } else {
            exchanges[Int(source)].edges = edge.sourceNext
        }
        if edge.sourceNext != noIndex { edges[edge.sourceNext].pointee.sourcePrevious = edge.sourcePrevious }
        if edge.destinationPrevious != noIndex {
            edges[edge.destinationPrevious].pointee.destinationNext = edge.destinationNext
        } else {
            exchanges[Int(destination)].incomingEdges = edge.destinationNext
        }
        if edge.destinationNext != noIndex {
            edges[edge.destinationNext].pointee.destinationPrevious = edge.destinationPrevious
        }
        edgeIndex.remove(edgeHash(source, destination), index)
        edges.remove(index)
        graphVersion += 1
    }

    private func findEdge(_ source: UInt32, _ destination: UInt32) -> UInt32 {
        let edges = edges
        return edgeIndex.find(edgeHash(source, destination)) { index in
            edges[index].pointee.source == source && edges[index].pointee.destination == destination
        }
    }

    private func edgeHash(_ source: UInt32, _ destination: UInt32) -> UInt32 {
        UInt32(truncatingIfNeeded: hasher.hash(UInt64(source), UInt64(destination)))
    }
}
