extension HeadersTable {
    /// Returns the number by which to remove it.
    ///
    /// - Parameter arguments: entries as on the wire, written by us.
    mutating func add(
        _ mode: HeadersMatchMode, _ arguments: UnsafeRawBufferPointer, _ target: Target, _ hasher: ByteHash
    ) -> UInt32 {
        stamp += 1
        let binding = bindings.insert(Record(target: target, isAny: mode.isAny))
        var isMatchable = true
        var position = arguments.start
        let end = position + arguments.count
        while position < end {
            let name = UnsafeRawBufferPointer(start: position + 1, count: Int(load8(position)))
            position += 1 + name.count
            guard let value = WireValue(&position, end: end) else { break }
            guard mode.compares(name) else { continue }
            let condition = retainCondition(name, value, hasher)
            if condition == noIndex {
                isMatchable = isMatchable && mode.isAny
            } else if conditions[condition].pointee.mark == stamp {
                conditions[condition].pointee.useCount -= 1
            } else {
                conditions[condition].pointee.mark = stamp
                let next = bindings[binding].pointee.firstPart
                let part = parts.insert(Part(condition: condition, binding: binding, next: next))
                bindings[binding].pointee.firstPart = part
            }
        }
        makeRoom()
        if isMatchable { hang(binding) }
        return binding
    }

    mutating func remove(_ binding: UInt32) {
        let record = bindings[binding].pointee
        if record.position != noIndex {
            let moved = unconditional.remove(at: record.position)
            if moved != noIndex { bindings[moved].pointee.position = record.position }
        }
        var index = record.firstPart
        while index != noIndex {
            let part = parts[index].pointee
            if part.position != noIndex { unhang(part, isAny: record.isAny) }
            releaseCondition(part.condition)
            parts.remove(index)
            index = part.next
        }
        bindings.remove(binding)
    }

    // MARK: - Hanging a binding on conditions

    private mutating func hang(_ binding: UInt32) {
        let record = bindings[binding].pointee
        var part = record.firstPart
        if record.isAny {
            while part != noIndex {
                let condition = conditions[parts[part].pointee.condition]
                parts[part].pointee.position = condition.pointee.anyBindings.append(record.target, binding: part)
                part = parts[part].pointee.next
            }
        } else if part == noIndex {
            bindings[binding].pointee.position = unconditional.append(record.target, binding: binding)
        } else {
            part = mostSelectivePart(of: record)
            let condition = conditions[parts[part].pointee.condition]
            parts[part].pointee.position = condition.pointee.allBindings.append(record.target, binding: part)
        }
    }

    /// The part on whose condition fewest bindings hang; of equal ones rather a value than mere presence.
    private func mostSelectivePart(of record: Record) -> UInt32 {
        var chosen = record.firstPart
        var least = UInt64.max
        var index = record.firstPart
        while index != noIndex {
            let condition = conditions[parts[index].pointee.condition]
            let presence: UInt64 = condition.pointee.kind == .presence ? 1 : 0
            let weight = UInt64(condition.pointee.allBindings.count) * 2 + presence
            if weight < least {
                least = weight
                chosen = index
            }
            index = parts[index].pointee.next
        }
        return chosen
    }

    private mutating func unhang(_ part: Part, isAny: Bool) {
        let condition = conditions[part.condition]
        let moved =
            isAny
            ? condition.pointee.anyBindings.remove(at: part.position)
            : condition.pointee.allBindings.remove(at: part.position)
        if moved != noIndex { parts[moved].pointee.position = part.position }
    }

    // MARK: - Conditions

    /// The condition that a binding's argument asks for, made where it does not exist; `noIndex` for one that no
    /// message can meet.
    private mutating func retainCondition(
        _ name: UnsafeRawBufferPointer, _ value: WireValue, _ hasher: ByteHash
    ) -> UInt32 {
        guard let comparable = comparable(value, timestampFactor: 1) else { return noIndex }
        var nameIndex = names.find(name, hasher)
        if nameIndex == noIndex { nameIndex = names.insert(name, Name(), hasher) }

        var found: UInt32
        if comparable.kind == .presence {
            found = names[nameIndex].pointee.value.presence
            if found == noIndex {
                found = conditions.insert(HeaderCondition(name: nameIndex))
                names[nameIndex].pointee.value.presence = found
            }
        } else {
            let hash = comparable.hash(of: nameIndex, hasher)
            found = find(comparable, of: nameIndex, hash)
            if found == noIndex {
                found = conditions.insert(HeaderCondition(name: nameIndex, value: comparable, hash: hash))
                conditionIndex.insert(hash, found)
                names[nameIndex].pointee.value.valueConditionCount += 1
            }
        }
        conditions[found].pointee.useCount += 1
        return found
    }

    private mutating func releaseCondition(_ index: UInt32) {
        let condition = conditions[index]
        condition.pointee.useCount -= 1
        guard condition.pointee.useCount == 0 else { return }
        let nameIndex = condition.pointee.name
        let name = names[nameIndex]
        if condition.pointee.kind == .presence {
            name.pointee.value.presence = noIndex
        } else {
            conditionIndex.remove(condition.pointee.hash, index)
            name.pointee.value.valueConditionCount -= 1
        }
        if name.pointee.value.presence == noIndex, name.pointee.value.valueConditionCount == 0 {
            names.remove(nameIndex)
        }
        condition.pointee.deallocate()
        conditions.remove(index)
    }
}
