// One struct for each method.

extension SwiftEmitter {
    func source(of classDefinition: ClassDefinition) -> String {
        var lines = [Self.heading(documentName: classDefinition.documentName)]
        for method in classDefinition.methods {
            lines += structure(method, of: classDefinition) + [""]
        }
        return lines.joined(separator: "\n")
    }

    private func structure(_ method: MethodDefinition, of classDefinition: ClassDefinition) -> [String] {
        let stored = method.fields.filter { !$0.isReserved }
        let title = "`\(classDefinition.name).\(method.name)`: \(method.label)".sentence
        var lines = documentationComment([title] + method.documentation, indentation: 0)
        lines.append("package struct \(method.typeName(in: classDefinition)): Equatable, Sendable {")
        lines.append("    package static let classID: UInt16 = \(classDefinition.index)")
        lines.append("    package static let methodID: UInt16 = \(method.index)")
        lines.append("")
        for field in stored {
            lines += documentationComment([field.label.sentence], indentation: 4)
            lines.append("    package var \(field.identifier): \(field.type.swiftName)")
        }
        if !stored.isEmpty { lines.append("") }
        lines += memberwiseInitializer(stored)
        lines.append("")
        lines += function("package init(from reader: inout WireReader) throws(WireError)", body: readBody(method))
        lines.append("")
        lines += function("package func write(to buffer: inout OutboundBuffer)", body: writeBody(method))
        lines.append("")
        lines += function(
            "package func writeFrame(channel: UInt16, to buffer: inout OutboundBuffer)",
            body: [
                "buffer.writeMethodFrame(channel: channel, classID: Self.classID, methodID: Self.methodID) {",
                method.fields.isEmpty ? "    _ in" : "    write(to: &$0)",
                "}",
            ])
        lines.append("}")
        return lines
    }

    private func memberwiseInitializer(_ fields: [Field]) -> [String] {
        if fields.isEmpty { return ["    package init() {}"] }
        let parameters = fields.map { "\($0.name(escaped: false)): \($0.type.swiftName) = \($0.type.swiftDefault)" }
        var lines = list(parameters, opening: "package init(", closing: ") {", indentation: 4)
        lines += fields.map { "        self.\($0.name(escaped: false)) = \($0.identifier)" }
        lines.append("    }")
        return lines
    }

    private func function(_ signature: String, body: [String]) -> [String] {
        if body.isEmpty { return ["    \(signature) {}"] }
        return ["    \(signature) {"] + body.map { "        \($0)" } + ["    }"]
    }

    private func readBody(_ method: MethodDefinition) -> [String] {
        var lines: [String] = []
        for (number, group) in method.fieldGroups.enumerated() {
            guard group[0].type == .bit else {
                lines.append(group[0].readStatement)
                continue
            }
            if group.allSatisfy(\.isReserved) {
                lines.append("_ = try reader.readUInt8()")
                continue
            }
            let octet = method.bitsName(ofGroup: number)
            lines.append("let \(octet) = try reader.readUInt8()")
            for (bit, field) in group.enumerated() where !field.isReserved {
                lines.append("\(field.identifier) = \(octet) & \(mask(bit)) != 0")
            }
        }
        return lines
    }

    private func writeBody(_ method: MethodDefinition) -> [String] {
        var lines: [String] = []
        for (number, group) in method.fieldGroups.enumerated() {
            guard group[0].type == .bit else {
                lines.append(group[0].writeStatement)
                continue
            }
            if group.allSatisfy(\.isReserved) {
                lines.append("buffer.write(UInt8(0))")
                continue
            }
            let octet = method.bitsName(ofGroup: number)
            lines.append("var \(octet): UInt8 = 0")
            for (bit, field) in group.enumerated() where !field.isReserved {
                lines.append("if \(field.identifier) { \(octet) |= \(mask(bit)) }")
            }
            lines.append("buffer.write(\(octet))")
        }
        return lines
    }

    /// Bits fill an octet from the least significant one (section 4.2.5.2).
    private func mask(_ bit: Int) -> String {
        let digits = (0..<8).reversed().map { $0 == bit ? "1" : "0" }
        return "0b" + digits[..<4].joined() + "_" + digits[4...].joined()
    }
}

extension MethodDefinition {
    func typeName(in classDefinition: ClassDefinition) -> String {
        upperCamelCase(classDefinition.name) + upperCamelCase(name)
    }

    func caseName(in classDefinition: ClassDefinition) -> String {
        lowerCamelCase(classDefinition.name) + upperCamelCase(name)
    }

    /// The fields as they lie on the wire: up to eight adjacent bits share a group, all others are alone in theirs.
    var fieldGroups: [[Field]] {
        var groups: [[Field]] = []
        for field in fields {
            if field.type == .bit, let last = groups.last, last[0].type == .bit, last.count < 8 {
                groups[groups.count - 1].append(field)
            } else {
                groups.append([field])
            }
        }
        return groups
    }

    /// The variable that holds a group of bits: numbered only where a method has several.
    func bitsName(ofGroup number: Int) -> String {
        let groups = fieldGroups
        let bitGroups = groups.indices.filter { groups[$0][0].type == .bit }
        guard bitGroups.count > 1, let position = bitGroups.firstIndex(of: number) else { return "bits" }
        return "bits\(position)"
    }
}

extension Field {
    func name(escaped: Bool) -> String {
        let name = lowerCamelCase(self.name)
        return escaped && ["internal", "return", "default", "class"].contains(name) ? "`\(name)`" : name
    }

    /// The property's name where it stands alone.
    var identifier: String { name(escaped: true) }

    var readStatement: String {
        if isReserved {
            switch type {
            case .bit, .octet: return "_ = try reader.readUInt8()"
            case .short: return "_ = try reader.readUInt16()"
            case .long: return "_ = try reader.readUInt32()"
            case .longlong, .timestamp: return "_ = try reader.readUInt64()"
            case .shortstr: return "_ = try reader.readShortStringView()"
            case .longstr, .table: return "_ = try reader.readLongStringView()"
            }
        }
        let call =
            switch type {
            case .bit: "readUInt8() != 0"
            case .octet: "readUInt8()"
            case .short: "readUInt16()"
            case .long: "readUInt32()"
            case .longlong, .timestamp: "readUInt64()"
            case .shortstr: "readShortString()"
            case .longstr: "readLongString()"
            case .table: "readTable()"
            }
        return "\(identifier) = try reader.\(call)"
    }

    var writeStatement: String {
        if isReserved {
            switch type {
            case .bit, .octet, .shortstr: return "buffer.write(UInt8(0))"
            case .short: return "buffer.write(UInt16(0))"
            case .long, .longstr, .table: return "buffer.write(UInt32(0))"
            case .longlong, .timestamp: return "buffer.write(UInt64(0))"
            }
        }
        return type == .longstr ? "buffer.write(longString: \(identifier))" : "buffer.write(\(identifier))"
    }
}

extension Field.FieldType {
    var swiftName: String {
        switch self {
        case .bit: "Bool"
        case .octet: "UInt8"
        case .short: "UInt16"
        case .long: "UInt32"
        case .longlong, .timestamp: "UInt64"
        case .shortstr: "ShortString"
        case .longstr: "[UInt8]"
        case .table: "FieldTable"
        }
    }

    var swiftDefault: String {
        switch self {
        case .bit: "false"
        case .octet, .short, .long, .longlong, .timestamp: "0"
        case .shortstr: "\"\""
        case .longstr: "[]"
        case .table: "FieldTable()"
        }
    }
}
