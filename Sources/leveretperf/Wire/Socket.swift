import Glibc

/// TCP sockets that never block.
enum Socket {
    static func connect(host: String, port: Int, deadline: Deadline) throws(PerfError) -> Int32 {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0, let list else {
            throw PerfError(.broker, "no address for host \(host): \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(list) }
        var problem: Int32 = ECONNREFUSED
        var address: UnsafeMutablePointer<addrinfo>? = list
        while let candidate = address {
            switch connect(to: candidate.pointee, deadline) {
            case .success(let descriptor): return descriptor
            case .failure(let failure): problem = failure.code
            }
            address = candidate.pointee.ai_next
        }
        let place = "no connection to \(host):\(port): "
        if problem == ETIMEDOUT { throw PerfError(.timeout, place + "no answer") }
        throw PerfError(.broker, "\(place)\(SystemError.text(problem)); is a broker listening there? (--uri)")
    }

    private struct Failure: Error { let code: Int32 }

    private static func connect(to address: addrinfo, _ deadline: Deadline) -> Result<Int32, Failure> {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(address.ai_family, kind, 0)
        guard descriptor >= 0 else { return .failure(Failure(code: errno)) }
        var code: Int32 = 0
        if Glibc.connect(descriptor, address.ai_addr, address.ai_addrlen) != 0 { code = errno }
        if code == EINPROGRESS {
            if wait(descriptor, POLLOUT, deadline) {
                var length = socklen_t(MemoryLayout<Int32>.size)
                getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
            } else {
                code = ETIMEDOUT
            }
        }
        guard code == 0 else {
            close(descriptor)
            return .failure(Failure(code: code))
        }
        set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        return .success(descriptor)
    }

    static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Whether the socket became ready before the deadline, and before Ctrl-C.
    static func wait(_ descriptor: Int32, _ events: Int32, _ deadline: Deadline) -> Bool {
        var request = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        while !deadline.isOver, !Interruption.isPending {
            if poll(&request, 1, min(deadline.remainingMilliseconds, 100)) > 0 { return true }
        }
        return false
    }
}
