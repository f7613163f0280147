/// What the generator takes from the specification: constants, and the methods of each class with their fields.
struct Specification: Equatable {
    /// In the order of the XML.
    var constants: [Constant] = []
    /// In ascending order of class number.
    var classes: [ClassDefinition] = []
}

struct Constant: Equatable {
    enum Severity: String {
        case soft = "soft-error"
        case hard = "hard-error"
    }

    /// As in the XML: `not-found`.
    var name: String
    var value: Int
    /// nil for constants that are no error codes.
    var severity: Severity?
    var documentation: [String] = []

    /// Frame types and protocol constants lie outside of this range or have no documentation.
    var isReplyCode: Bool { (200..<600).contains(value) && !documentation.isEmpty }
}

struct ClassDefinition: Equatable {
    /// The file that defines it.
    var documentName: String
    var name: String
    var index: UInt16
    var methods: [MethodDefinition] = []
}

struct MethodDefinition: Equatable {
    /// As in the XML: `declare-ok`.
    var name: String
    var index: UInt16
    var label: String
    /// Paragraphs of the first `doc` element, each without line breaks.
    var documentation: [String] = []
    var hasContent = false
    var isSynchronous = false
    var serverReceives = false
    var clientReceives = false
    /// Names of the methods of the same class that answer this one.
    var responses: [String] = []
    var fields: [Field] = []
}

struct Field: Equatable {
    /// The types of section 4.2.1, to which all domains come down.
    enum FieldType: String {
        case bit, octet, short, long, longlong, shortstr, longstr, timestamp, table
    }

    /// As in the XML: `delivery-tag`.
    var name: String
    var type: FieldType
    var label: String
    /// Reserved fields have a place on the wire and nowhere else.
    var isReserved: Bool
}

/// What is wrong with the XML or with the command line, for a person.
struct GeneratorError: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}
