import JSON
import Management
import Testing

/// The OpenAPI document against the routes.
@Suite struct OpenAPITests {
    private static func document() async throws -> JSONValue {
        var document: JSONValue = [:]
        try await TestNode.run { node in
            let reply = try await node.client.send("GET", "/api/openapi.json", isAuthenticated: false)
            #expect(reply.status == 200)
            document = try reply.json
        }
        return document
    }

    @Test func everyRouteIsDescribedAndNothingElseIs() async throws {
        let routes = Set(Router().routes.map { "\($0.method) \($0.template)" })
        var described: Set<String> = []
        for path in try await Self.document().object?["paths"]?.object?.members ?? [] {
            for operation in path.value.object?.members ?? [] where operation.name != "parameters" {
                described.insert("\(operation.name.uppercased()) \(path.name)")
            }
        }
        #expect(routes.subtracting(described).sorted() == [])
        #expect(described.subtracting(routes).sorted() == [])
        #expect(OpenAPI.operationsWithoutRoute.isEmpty, "\(OpenAPI.operationsWithoutRoute)")
    }

    @Test func operationsHaveNamesOfTheirOwnAndAnswers() async throws {
        var names: Set<String> = []
        for path in try await Self.document().object?["paths"]?.object?.members ?? [] {
            for operation in path.value.object?.members ?? [] where operation.name != "parameters" {
                let described = operation.value.object
                let name = described?["operationId"]?.string ?? ""
                #expect(names.insert(name).inserted, "\(name)")
                #expect(described?["summary"]?.string?.isEmpty == false, "\(name)")
                let statuses = described?["responses"]?.object?.members.map(\.name) ?? []
                #expect(statuses == Array(Set(statuses)).sorted(), "\(name) \(statuses)")
                #expect(statuses.contains("400"))
            }
        }
        #expect(names.count > 120)
    }

    @Test func everyReferenceLeadsSomewhere() async throws {
        let document = try await Self.document()
        let components = document.object?["components"]?.object
        func check(_ value: JSONValue) {
            switch value {
            case .array(let items): items.forEach(check)
            case .object(let object):
                if let reference = object["$ref"]?.string {
                    let words = reference.split(separator: "/").map(String.init)
                    #expect(words.count == 4 && components?[words[2]]?.object?[words[3]] != nil, "\(reference)")
                }
                object.members.forEach { check($0.value) }
            default: break
            }
        }
        check(document)
    }
}
