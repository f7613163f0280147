import AMQPWire

/// Published messages whose confirm is awaited, and who waits: from the oldest unconfirmed one to the newest.
///
/// A ring that grows: publishing and confirming cost the same however many are under way.
struct ConfirmWindow {
    /// A mandatory message that may still come back, to be recognised then: basic.return bears no number.
    struct Mandatory {
        let sequence: UInt64
        let exchange: String
        let routingKey: String
        let body: [UInt8]
    }

    private struct Slot {
        var isConfirmed = false
        var waiter: RequestID = 0
    }

    /// The sequence number of `slots[head]`. The first message of a channel has number 1.
    private(set) var oldest: UInt64 = 1
    private var slots: [Slot] = []
    private var head = 0
    private var mandatories: [Mandatory] = []
    /// Who waits for everything up to a number, in ascending order.
    private var drains: [(sequence: UInt64, waiter: RequestID)] = []
    /// Messages nacked with nobody waiting for them, since the last drain.
    private var unnoticedNackCount = 0

    var next: UInt64 { oldest + UInt64(slots.count - head) }
    var isEmpty: Bool { head == slots.count }

    /// Everybody who waits.
    var waiters: [RequestID] {
        slots[head...].compactMap { $0.waiter == 0 ? nil : $0.waiter } + drains.map { $0.waiter }
    }

    /// A message was written. `waiter` 0: nobody waits for this one.
    mutating func published(waiter: RequestID) {
        slots.append(Slot(waiter: waiter))
    }

    /// The message just noted is mandatory and somebody waits for it.
    mutating func noteMandatory(exchange: String, routingKey: String, body: [UInt8]) {
        mandatories.append(Mandatory(sequence: next - 1, exchange: exchange, routingKey: routingKey, body: body))
    }

    /// basic.ack or basic.nack. Numbers that are confirmed already or not used yet are ignored, as every client does.
    mutating func confirm(_ tag: UInt64, multiple: Bool, isAck: Bool, into actions: inout [Action]) {
        guard tag < next || multiple else { return }
        if multiple {
            // 0 means all so far.
            let last = tag == 0 ? next - 1 : min(tag, next - 1)
            guard last >= oldest else { return }
            for index in head...(head + Int(last - oldest)) { settle(index, isAck, into: &actions) }
        } else {
            guard tag >= oldest else { return }
            settle(head + Int(tag - oldest), isAck, into: &actions)
        }
        while head < slots.count, slots[head].isConfirmed {
            head += 1
            oldest += 1
        }
        if head > 1024, head * 2 > slots.count {
            slots.removeFirst(head)
            head = 0
        }
        if !mandatories.isEmpty {
            mandatories.removeAll { $0.sequence < oldest || slots[head + Int($0.sequence - oldest)].isConfirmed }
        }
        finishDrains(into: &actions)
    }

    private mutating func settle(_ index: Int, _ isAck: Bool, into actions: inout [Action]) {
        guard !slots[index].isConfirmed else { return }
        slots[index].isConfirmed = true
        let waiter = slots[index].waiter
        slots[index].waiter = 0
        if waiter != 0 {
            actions.append(isAck ? .succeeded(waiter, .confirmed) : .failed(waiter, .nacked))
        } else if !isAck {
            unnoticedNackCount += 1
        }
    }

    /// Answers `waiter` when everything published until now is confirmed.
    mutating func drain(waiter: RequestID, into actions: inout [Action]) {
        drains.append((next - 1, waiter))
        finishDrains(into: &actions)
    }

    private mutating func finishDrains(into actions: inout [Action]) {
        while let drain = drains.first, drain.sequence < oldest {
            drains.removeFirst()
            actions.append(
                unnoticedNackCount == 0 ? .succeeded(drain.waiter, .confirmed) : .failed(drain.waiter, .nacked))
            unnoticedNackCount = 0
        }
    }

    /// Who waits for the message that came back; 0 when nobody does.
    ///
    /// Returns come in the order of publishing. Of several messages under way to the same exchange with the same key,
    /// the first with the same body is taken: messages that are alike are interchangeable for their publishers.
    mutating func takeReturned(_ message: ReturnedMessage) -> RequestID {
        func isAlike(_ candidate: Mandatory) -> Bool {
            candidate.exchange == message.exchange && candidate.routingKey == message.routingKey
        }
        let index =
            mandatories.firstIndex { isAlike($0) && $0.body == message.body } ?? mandatories.firstIndex(where: isAlike)
        guard let index else { return 0 }
        let slot = head + Int(mandatories.remove(at: index).sequence - oldest)
        defer { slots[slot].waiter = 0 }
        return slots[slot].waiter
    }
}
