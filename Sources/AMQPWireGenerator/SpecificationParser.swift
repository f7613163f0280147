import Foundation

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// Reads the XML of the AMQP Working Group into a `Specification`.
///
/// Elements it does not need (`rule`, `assert`, typed `doc`, the properties of class basic) are passed over.
struct SpecificationParser {
    private var constants: [Constant] = []
    private var domains: [String: Domain] = [:]
    private var classes: [ClassDefinition] = []

    private struct Domain {
        var type: Field.FieldType
        var label: String
    }

    /// - Parameter documents: the main document first: its domains are known to those behind it.
    static func parse(_ documents: [(name: String, content: Data)]) throws -> Specification {
        var parser = SpecificationParser()
        for document in documents {
            do {
                try parser.read(try Element.parse(document.content), documentName: document.name)
            } catch { throw GeneratorError("\(document.name): \(error)") }
        }
        return Specification(
            constants: parser.constants, classes: parser.classes.sorted { $0.index < $1.index })
    }

    private mutating func read(_ root: Element, documentName: String) throws {
        guard root.name == "amqp" else { throw GeneratorError("the root element is <\(root.name)>, not <amqp>") }
        for element in root.children("constant") {
            constants.append(
                Constant(
                    name: try element.attribute("name"),
                    value: try element.integer("value"),
                    severity: element.attributes["class"].flatMap(Constant.Severity.init),
                    documentation: element.documentation))
        }
        for element in root.children("domain") {
            domains[try element.attribute("name")] = Domain(
                type: try fieldType(try element.attribute("type")), label: element.label)
        }
        for element in root.children("class") {
            classes.append(
                ClassDefinition(
                    documentName: documentName,
                    name: try element.attribute("name"),
                    index: try element.integer("index"),
                    methods: try element.children("method").map(method)))
        }
    }

    private func method(_ element: Element) throws -> MethodDefinition {
        let receivers = try element.children("chassis").map { try $0.attribute("name") }
        return MethodDefinition(
            name: try element.attribute("name"),
            index: try element.integer("index"),
            label: element.label,
            documentation: element.documentation,
            hasContent: element.attributes["content"] == "1",
            isSynchronous: element.attributes["synchronous"] == "1",
            serverReceives: receivers.contains("server"),
            clientReceives: receivers.contains("client"),
            responses: try element.children("response").map { try $0.attribute("name") },
            fields: try element.children("field").map(field))
    }

    private func field(_ element: Element) throws -> Field {
        let name = try element.attribute("name")
        let domain: Domain
        if let domainName = element.attributes["domain"] {
            guard let known = domains[domainName] else {
                throw GeneratorError("field \(name) has the unknown domain \(domainName)")
            }
            domain = known
        } else {
            domain = Domain(type: try fieldType(try element.attribute("type")), label: "")
        }
        return Field(
            name: name,
            type: domain.type,
            label: element.label.isEmpty ? domain.label : element.label,
            isReserved: element.attributes["reserved"] == "1")
    }

    private func fieldType(_ name: String) throws -> Field.FieldType {
        guard let type = Field.FieldType(rawValue: name) else { throw GeneratorError("unknown type \(name)") }
        return type
    }
}

/// An element of the document with its own text and its children.
private final class Element {
    let name: String
    let attributes: [String: String]
    var elements: [Element] = []
    var text = ""

    init(name: String, attributes: [String: String]) {
        self.name = name
        self.attributes = attributes
    }

    static func parse(_ document: Data) throws -> Element {
        let tree = ElementTree()
        let parser = XMLParser(data: document)
        parser.delegate = tree
        // FoundationXML does not report a document that ends before its elements do.
        guard parser.parse(), tree.isComplete, let root = tree.root else {
            throw GeneratorError("line \(parser.lineNumber) of the XML cannot be read")
        }
        return root
    }

    func children(_ name: String) -> [Element] { elements.filter { $0.name == name } }

    func attribute(_ key: String) throws -> String {
        guard let value = attributes[key] else { throw GeneratorError("<\(name)> lacks the attribute \(key)") }
        return value
    }

    func integer<Integer: FixedWidthInteger>(_ key: String) throws -> Integer {
        let text = try attribute(key)
        guard let value = Integer(text) else { throw GeneratorError("\(key) of <\(name)> is no number: \(text)") }
        return value
    }

    /// The label; class confirm has it as text of the element.
    var label: String { attributes["label"] ?? Self.paragraphs(of: text).first ?? "" }

    /// Paragraphs of the first untyped `doc` element.
    var documentation: [String] {
        guard let element = children("doc").first(where: { $0.attributes["type"] == nil }) else { return [] }
        return Self.paragraphs(of: element.text)
    }

    private static func paragraphs(of text: String) -> [String] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
        return lines.split(separator: "").map { $0.joined(separator: " ") }
    }
}

private final class ElementTree: NSObject, XMLParserDelegate {
    var root: Element?
    private var open: [Element] = []
    var isComplete: Bool { open.isEmpty }

    func parser(
        _ parser: XMLParser, didStartElement elementName: String, namespaceURI: String?,
        qualifiedName qName: String?, attributes attributeDict: [String: String] = [:]
    ) {
        let element = Element(name: elementName, attributes: attributeDict)
        if let parent = open.last { parent.elements.append(element) } else { root = element }
        open.append(element)
    }

    func parser(
        _ parser: XMLParser, didEndElement elementName: String, namespaceURI: String?, qualifiedName qName: String?
    ) {
        open.removeLast()
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
        open.last?.text += string
    }
}
