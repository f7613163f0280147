extension HeadersTable {
    /// Visits the targets of every binding that the message's headers match.
    ///
    /// - Parameter headers: a field table's entries as on the wire. What comes behind the first entry that does not
    ///   parse is absent.
    mutating func route(_ headers: UnsafeRawBufferPointer, _ hasher: ByteHash, _ walk: inout RouteWalk) {
        walk.visit(unconditional)
        if names.count == 0 { return }
        stamp += 1
        let touchedCount = collect(headers, hasher)
        let metCount = meetConditions(touchedCount, hasher)
        for position in 0..<metCount {
            let condition = conditions[met[position]]
            walk.visit(condition.pointee.anyBindings)
            if let entry = condition.pointee.allBindings.single {
                visit(all: entry, &walk)
            } else {
                for entry in condition.pointee.allBindings.many { visit(all: entry, &walk) }
            }
        }
    }

    /// Notes where the headers that some condition is about have their values. Of a name that occurs twice the last
    /// one counts, as in RabbitMQ.
    @inline(__always)
    private func collect(_ headers: UnsafeRawBufferPointer, _ hasher: ByteHash) -> Int {
        var touchedCount = 0
        var position = headers.start
        let end = position + headers.count
        while position < end {
            let name = UnsafeRawBufferPointer(start: position + 1, count: Int(load8(position)))
            guard end - position > name.count else { break }
            position += 1 + name.count
            guard let value = WireValue(&position, end: end) else { break }
            let index = names.find(name, hasher)
            if index == noIndex { continue }
            let entry = names[index]
            entry.pointee.value.value = value
            if entry.pointee.value.mark != stamp {
                entry.pointee.value.mark = stamp
                touched[touchedCount] = index
                touchedCount += 1
            }
        }
        return touchedCount
    }

    @inline(__always)
    private mutating func meetConditions(_ touchedCount: Int, _ hasher: ByteHash) -> Int {
        var metCount = 0
        for position in 0..<touchedCount {
            let index = touched[position]
            let name = names[index].pointee.value
            guard let value = comparable(name.value, timestampFactor: 1000) else { continue }
            if name.presence != noIndex { meet(name.presence, &metCount) }
            if name.valueConditionCount == 0 || value.kind == .presence { continue }
            let condition = find(value, of: index, value.hash(of: index, hasher))
            if condition != noIndex { meet(condition, &metCount) }
        }
        return metCount
    }

    @inline(__always)
    private func meet(_ condition: UInt32, _ metCount: inout Int) {
        conditions[condition].pointee.mark = stamp
        met[metCount] = condition
        metCount += 1
    }

    @inline(__always)
    private func visit(all entry: TargetList.Entry, _ walk: inout RouteWalk) {
        var index = bindings[parts[entry.binding].pointee.binding].pointee.firstPart
        while index != noIndex {
            let part = parts[index]
            if conditions[part.pointee.condition].pointee.mark != stamp { return }
            index = part.pointee.next
        }
        walk.visit(entry.target)
    }
}
