extension JSON {
    /// On one line, without spaces.
    var compact: String {
        var text = ""
        write(to: &text, indentation: nil)
        return text
    }

    /// Over several lines, for reading.
    var pretty: String {
        var text = ""
        write(to: &text, indentation: 0)
        return text + "\n"
    }

    private func write(to text: inout String, indentation: Int?) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .double(let value): text += JSON.text(value)
        case .string(let value): text += JSONLine.quoted(value)
        case .array(let items):
            JSON.write(items, between: "[", "]", to: &text, indentation) { item, text, inner in
                item.write(to: &text, indentation: inner)
            }
        case .object(let members):
            JSON.write(members, between: "{", "}", to: &text, indentation) { member, text, inner in
                text += JSONLine.quoted(member.name)
                text += inner == nil ? ":" : ": "
                member.value.write(to: &text, indentation: inner)
            }
        }
    }

    private static func write<Element>(
        _ elements: [Element], between open: String, _ close: String, to text: inout String, _ indentation: Int?,
        _ writeElement: (Element, inout String, Int?) -> Void
    ) {
        text += open
        if elements.isEmpty {
            text += close
            return
        }
        let inner = indentation.map { $0 + 2 }
        for (index, element) in elements.enumerated() {
            if index > 0 { text += "," }
            if let inner { text += "\n" + String(repeating: " ", count: inner) }
            writeElement(element, &text, inner)
        }
        if let indentation { text += "\n" + String(repeating: " ", count: indentation) }
        text += close
    }
}
