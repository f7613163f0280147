/// A form as browsers send files (RFC 7578): the parts and their names.
struct MultipartForm {
    private var parts: [(name: String, body: ArraySlice<UInt8>)] = []

    private static let partLimit = 16

    /// nil for anything that is not such a form.
    init?(_ body: [UInt8], contentType: String) {
        guard let boundary = Self.parameter("boundary", of: contentType), 1...70 ~= boundary.utf8.count else {
            return nil
        }
        let marker = Array("--\(boundary)".utf8)
        guard body.starts(with: marker) else { return nil }
        var position = marker.count
        while parts.count < Self.partLimit {
            // Two dashes behind the last one.
            if body[position...].starts(with: [45, 45]) { return }
            guard body[position...].starts(with: [13, 10]) else { return nil }
            guard let end = Self.find([13, 10] + marker, in: body, from: position) else { return nil }
            guard let part = Self.part(body[(position + 2)..<max(end, position + 2)]) else { return nil }
            parts.append(part)
            position = end + 2 + marker.count
        }
        return nil
    }

    subscript(name: String) -> [UInt8]? { parts.first { $0.name == name }.map { Array($0.body) } }

    private static func part(_ bytes: ArraySlice<UInt8>) -> (name: String, body: ArraySlice<UInt8>)? {
        let whole = Array(bytes)
        guard let end = find([13, 10, 13, 10], in: whole, from: 0), end <= 8192 else { return nil }
        let head = String(decoding: whole[..<end], as: UTF8.self)
        for line in head.split(separator: "\r\n") {
            guard line.lowercased().hasPrefix("content-disposition:") else { continue }
            guard let name = parameter("name", of: String(line)) else { return nil }
            return (name, whole[(end + 4)...])
        }
        return nil
    }

    /// `boundary` of `multipart/form-data; boundary="x"`.
    private static func parameter(_ name: String, of header: String) -> String? {
        for item in header.split(separator: ";").dropFirst() {
            let item = item.drop { $0 == " " }
            guard item.lowercased().hasPrefix("\(name)=") else { continue }
            let value = item.dropFirst(name.count + 1)
            guard value.first == "\"" else { return String(value) }
            return String(value.dropFirst().prefix { $0 != "\"" })
        }
        return nil
    }

    private static func find(_ pattern: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        var index = start
        while index + pattern.count <= bytes.count {
            guard let next = bytes[index...].firstIndex(of: pattern[0]) else { return nil }
            if bytes[next...].starts(with: pattern) { return next }
            index = next + 1
        }
        return nil
    }
}
