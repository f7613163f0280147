import AMQPWire
import JSON

/// What the API shows as an object.
protocol JSONWritable: Sendable {
    func write(to builder: inout JSONObjectBuilder)
}

extension JSONWritable {
    /// The fields that are wanted of it.
    func object(_ columns: Columns = .all) -> JSONObject {
        var builder = JSONObjectBuilder(columns)
        write(to: &builder)
        return builder.object
    }
}

extension JSONObject: JSONWritable {
    func write(to builder: inout JSONObjectBuilder) {
        for member in members { builder.add(member: member.name, member.value) }
    }
}

/// Makes an object of the fields that are wanted; the values of others are not computed. Either a value to look into,
/// or text at once: of long lists nothing else is kept.
struct JSONObjectBuilder {
    private let columns: Columns
    private let isText: Bool
    private(set) var object = JSONObject()
    private var text: [UInt8] = []
    private var isFirst = true

    /// Makes a value.
    init(_ columns: Columns) {
        self.columns = columns
        isText = false
    }

    private init(nestedIn builder: borrowing JSONObjectBuilder, _ columns: Columns) {
        self.columns = columns
        isText = builder.isText
    }

    /// Appends the text of an object.
    static func write(_ item: some JSONWritable, _ columns: Columns, to text: inout [UInt8]) {
        var builder = JSONObjectBuilder(text: columns)
        swap(&builder.text, &text)
        builder.text.append(UInt8(ascii: "{"))
        item.write(to: &builder)
        builder.text.append(UInt8(ascii: "}"))
        swap(&builder.text, &text)
    }

    private init(text columns: Columns) {
        self.columns = columns
        isText = true
    }

    // MARK: Fields

    mutating func add(_ name: StaticString, _ value: @autoclosure () -> JSONValue) {
        guard columns.want(name) else { return }
        let part = columns.part(name).project(value())
        if begin(name) { part.encode(into: &text) } else { object.append(name.description, part) }
    }

    mutating func add(_ name: StaticString, _ value: @autoclosure () -> Int) {
        guard columns.want(name) else { return }
        if begin(name) { text.append(decimal: value()) } else { object.append(name.description, .integer(value())) }
    }

    mutating func add(_ name: StaticString, _ value: @autoclosure () -> Bool) {
        guard columns.want(name) else { return }
        guard begin(name) else { return object.append(name.description, .bool(value())) }
        text.append(value() ? "true" : "false")
    }

    mutating func add(_ name: StaticString, _ value: @autoclosure () -> Double) {
        guard columns.want(name) else { return }
        if begin(name) { text.append(json: value()) } else { object.append(name.description, .double(value())) }
    }

    /// A name of the broker.
    mutating func add(_ name: StaticString, _ value: @autoclosure () -> ShortString) {
        guard columns.want(name) else { return }
        guard begin(name) else { return object.append(name.description, .text(value())) }
        let value = value()
        // Names may be any bytes.
        if value.bytes.allSatisfy({ $0 < 0x80 }) {
            text.append(json: value.bytes)
        } else {
            text.append(json: value.description.utf8)
        }
    }

    /// A moment, in milliseconds since 1970.
    mutating func add(_ name: StaticString, milliseconds: @autoclosure () -> UInt64) {
        guard columns.want(name) else { return }
        guard begin(name) else {
            return object.append(name.description, .string(Timestamps.text(milliseconds: milliseconds())))
        }
        text.append(UInt8(ascii: "\""))
        Timestamps.write(milliseconds: milliseconds(), to: &text)
        text.append(UInt8(ascii: "\""))
    }

    /// An object in the object.
    mutating func addObject(_ name: StaticString, _ body: (inout JSONObjectBuilder) -> Void) {
        guard columns.want(name) else { return }
        var nested = JSONObjectBuilder(nestedIn: self, columns.part(name))
        guard begin(name) else {
            body(&nested)
            return object.append(name.description, .object(nested.object))
        }
        swap(&nested.text, &text)
        nested.text.append(UInt8(ascii: "{"))
        body(&nested)
        nested.text.append(UInt8(ascii: "}"))
        swap(&nested.text, &text)
    }

    /// A list of objects, of which other fields are wanted.
    mutating func addObjects(_ name: StaticString, _ items: [some JSONWritable], _ wanted: Columns) {
        guard columns.want(name) else { return }
        guard begin(name) else {
            return object.append(name.description, .array(items.map { .object($0.object(wanted)) }))
        }
        text.append(UInt8(ascii: "["))
        for (index, item) in items.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            Self.write(item, wanted, to: &text)
        }
        text.append(UInt8(ascii: "]"))
    }

    /// A field whose name was not known before.
    fileprivate mutating func add(member name: String, _ value: JSONValue) {
        guard columns.want(name) else { return }
        let part = columns.part(name).project(value)
        guard isText else { return object.append(name, part) }
        if !isFirst { text.append(UInt8(ascii: ",")) }
        isFirst = false
        text.append(json: name.utf8)
        text.append(UInt8(ascii: ":"))
        part.encode(into: &text)
    }

    /// Returns whether the value is to be written as text.
    private mutating func begin(_ name: StaticString) -> Bool {
        guard isText else { return false }
        text.append(member: name, isFirst: isFirst)
        isFirst = false
        return true
    }
}
