import Foundation
import Glibc
import Processes
import Testing

/// What the HTTP API has answered with 2xx is there after a kill.
@Suite struct ImportTests {
    private struct Silence: Error {}

    /// Sends a request to the HTTP API and reads all of the answer.
    private func request(_ method: String, _ path: String, body: Data = Data(), port: Int) async throws -> Data {
        try await onThread {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            try #require(descriptor >= 0)
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
            let connected = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            try #require(connected == 0)
            let credentials = Data("guest:guest".utf8).base64EncodedString()
            let head =
                "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                + "Authorization: Basic \(credentials)\r\nContent-Length: \(body.count)\r\n\r\n"
            var output = Data(head.utf8) + body
            while !output.isEmpty {
                let count = output.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
                guard count > 0 else { throw Silence() }
                output = output.dropFirst(count)
            }
            var answer = Data()
            var buffer = [UInt8](repeating: 0, count: 65536)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                guard count > 0 else { break }
                answer += buffer[..<count]
            }
            return answer
        }
    }

    /// The answer from its body on: of two equal ones the date may differ.
    private func body(_ answer: Data) -> Data {
        answer.range(of: Data("\r\n\r\n".utf8)).map { answer[$0.upperBound...] } ?? Data()
    }

    @Test(arguments: [1, 3])
    func whatWasImportedIsThereAfterAKill(shards: Int) async throws {
        let workspace = try Workspace.spread()
        let sample = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "ManagementTests/Definitions/rabbitmq-3.10.json")
        let definitions = try Data(contentsOf: sample)
        var exported = Data()
        do {
            let broker = try await BrokerProcess.start(in: workspace, shards: shards)
            let answer = try await request("POST", "/api/definitions", body: definitions, port: broker.httpPort)
            #expect(answer.starts(with: Data("HTTP/1.1 200".utf8)))
            exported = body(try await request("GET", "/api/definitions", port: broker.httpPort))
            try await broker.end(SIGKILL)
        }
        #expect(exported.count > 10_000)
        let broker = try await BrokerProcess.start(in: workspace, shards: shards)
        let again = body(try await request("GET", "/api/definitions", port: broker.httpPort))
        // Queues that are not durable are gone, and so are the bindings to them; there are none of these.
        #expect(try objects(again) == objects(exported).filter { !$0.contains(#""durable" : false"#) })
        try await broker.end(SIGTERM)
        #expect(workspace.complaints.filter { !$0.contains("is kept and not active") } == [])
    }

    /// Everything that an export has, one text each.
    private func objects(_ chunked: Data) throws -> Set<String> {
        let text = try #require(String(data: dechunked(chunked), encoding: .utf8))
        let all = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        var objects: Set<String> = []
        for (category, items) in all {
            guard let items = items as? [[String: Any]] else { continue }
            for item in items {
                let data = try JSONSerialization.data(withJSONObject: item, options: [.sortedKeys, .prettyPrinted])
                objects.insert("\(category) \(String(decoding: data, as: UTF8.self))")
            }
        }
        return objects
    }

    private func dechunked(_ data: Data) -> Data {
        var rest = data
        var result = Data()
        while let end = rest.range(of: Data("\r\n".utf8)) {
            let size = String(decoding: rest[rest.startIndex..<end.lowerBound], as: UTF8.self)
            guard let count = Int(size, radix: 16), count > 0 else { break }
            result += rest[end.upperBound..<end.upperBound + count]
            rest = rest[(end.upperBound + count + 2)...]
        }
        return result
    }
}
