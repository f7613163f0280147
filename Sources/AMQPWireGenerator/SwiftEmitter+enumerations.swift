// Method.swift and ReplyCode.swift.

extension SwiftEmitter {
    /// Every method with its class, in the order of their numbers.
    private var methods: [(owner: ClassDefinition, method: MethodDefinition)] {
        specification.classes.flatMap { owner in owner.methods.map { (owner, $0) } }
    }

    func methodEnumeration() -> String {
        var lines = [
            Self.heading(documentName: Generation.documentNames[0]),
            "/// A method of AMQP 0-9-1 with RabbitMQ's extensions, as the peer sent it or is to get it.",
            "package enum Method: Equatable, Sendable {",
        ]
        for (owner, method) in methods {
            lines.append("    case \(method.caseName(in: owner))(\(method.typeName(in: owner)))")
        }
        lines += ["}", ""]
        lines += decoding()
        lines += encoding()
        lines += identity()
        lines += descriptions()
        return lines.joined(separator: "\n") + "\n"
    }

    private func decoding() -> [String] {
        var lines = [
            "extension Method {",
            "    /// Reads the payload of a method frame: class number, method number and arguments, to the last byte.",
            "    ///",
            "    /// - Throws: `.unknownMethod` for numbers that no class or method has; `.trailingBytes` for bytes",
            "    ///   behind the last argument.",
            "    package static func decode(_ reader: inout WireReader) throws(WireError) -> Method {",
            "        let classID = try reader.readUInt16()",
            "        let methodID = try reader.readUInt16()",
            "        let method: Method",
            "        switch classID {",
        ]
        for owner in specification.classes {
            lines.append(
                "        case \(owner.index): method = try decode\(upperCamelCase(owner.name))(methodID, &reader)")
        }
        lines += [
            "        default: throw .unknownMethod(classID: classID, methodID: methodID)",
            "        }",
            "        try reader.expectEnd()",
            "        return method",
            "    }",
        ]
        for owner in specification.classes {
            lines.append("")
            lines += list(
                ["_ methodID: UInt16", "_ reader: inout WireReader"],
                opening: "private static func decode\(upperCamelCase(owner.name))(",
                closing: ") throws(WireError) -> Method {", indentation: 4)
            lines.append("        switch methodID {")
            for method in owner.methods {
                let type = method.typeName(in: owner)
                lines.append(
                    "        case \(method.index): .\(method.caseName(in: owner))(try \(type)(from: &reader))")
            }
            lines += [
                "        default: throw .unknownMethod(classID: \(owner.index), methodID: methodID)",
                "        }",
                "    }",
            ]
        }
        return lines + ["}", ""]
    }

    private func encoding() -> [String] {
        var lines = [
            "extension Method {",
            "    /// Appends a complete method frame.",
            "    package func writeFrame(channel: UInt16, to buffer: inout OutboundBuffer) {",
            "        switch self {",
        ]
        for (owner, method) in methods {
            let name = method.caseName(in: owner)
            lines.append("        case .\(name)(let method): method.writeFrame(channel: channel, to: &buffer)")
        }
        return lines + ["        }", "    }", "}", ""]
    }

    private func identity() -> [String] {
        var lines = ["extension Method {", "    package var classID: UInt16 {", "        switch self {"]
        for owner in specification.classes {
            lines += casePattern(owner.methods.map { $0.caseName(in: owner) })
            lines.append("            \(owner.index)")
        }
        lines += ["        }", "    }", "", "    package var methodID: UInt16 {", "        switch self {"]
        for (owner, method) in methods {
            lines.append("        case .\(method.caseName(in: owner)): \(method.index)")
        }
        lines += ["        }", "    }", ""]
        lines += [
            "    /// The specification's name: `queue.declare`.",
            "    package var name: String {",
            "        switch self {",
        ]
        for (owner, method) in methods {
            lines.append("        case .\(method.caseName(in: owner)): \"\(owner.name).\(method.name)\"")
        }
        return lines + ["        }", "    }", "}", ""]
    }

    private func descriptions() -> [String] {
        var lines = [
            "/// What the specification says of a method besides its arguments.",
            "package struct MethodDescription: Equatable, Sendable {",
            "    /// Class and method: `queue.declare`.",
            "    package let name: String",
            "    package let classID: UInt16",
            "    package let methodID: UInt16",
            "    /// A content header and body frames follow the method.",
            "    package let hasContent: Bool",
            "    /// The method asks for an answer, or is one. A method with `responses` asks.",
            "    package let isSynchronous: Bool",
            "    package let serverReceives: Bool",
            "    package let clientReceives: Bool",
            "    /// Names of the methods that may answer this one.",
            "    package let responses: [String]",
            "}",
            "",
            "extension Method {",
            "    /// Every method, in the order of their classes' numbers.",
            "    package static let all: [MethodDescription] = [",
        ]
        for (owner, method) in methods {
            let responses = method.responses.map { "\"\(owner.name).\($0)\"" }.joined(separator: ", ")
            let arguments = [
                "name: \"\(owner.name).\(method.name)\",", "classID: \(owner.index),", "methodID: \(method.index),",
                "hasContent: \(method.hasContent),", "isSynchronous: \(method.isSynchronous),",
                "serverReceives: \(method.serverReceives),", "clientReceives: \(method.clientReceives),",
                "responses: [\(responses)]),",
            ]
            lines.append("        MethodDescription(")
            lines += filled(arguments, prefix: String(repeating: " ", count: 11))
        }
        return lines + ["    ]", "}"]
    }

    func replyCodes() -> String {
        let codes = specification.constants.filter(\.isReplyCode)
        var lines = [
            Self.heading(documentName: Generation.documentNames[0]),
            "/// The reply codes of `connection.close`, `channel.close` and `basic.return`.",
            "package enum ReplyCode: UInt16, Sendable, CaseIterable {",
        ]
        for code in codes {
            lines += documentationComment(code.documentation, indentation: 4)
            lines.append("    case \(lowerCamelCase(code.name)) = \(code.value)")
        }
        lines += [
            "",
            "    /// The specification's name in the form of reply texts: `NOT_FOUND`.",
            "    package var name: String {",
            "        switch self {",
        ]
        for code in codes {
            let name = code.name.uppercased().split(separator: "-").joined(separator: "_")
            lines.append("        case .\(lowerCamelCase(code.name)): \"\(name)\"")
        }
        lines += [
            "        }",
            "    }",
            "",
            "    /// Hard errors end the connection, soft ones only the channel.",
            "    package var closesConnection: Bool {",
            "        switch self {",
        ]
        lines += casePattern(codes.filter { $0.severity == .hard }.map { lowerCamelCase($0.name) })
        return (lines + ["            true", "        default: false", "        }", "    }", "}"])
            .joined(separator: "\n") + "\n"
    }

    /// `case .a, .b:` of a switch in a member, wrapped.
    private func casePattern(_ names: [String]) -> [String] {
        let words = names.enumerated().map { ".\($0.element)" + ($0.offset == names.count - 1 ? ":" : ",") }
        let lines = filled(["case"] + words, prefix: String(repeating: " ", count: 11))
        return [String(lines[0].dropFirst(4))] + lines.dropFirst()
    }
}
