import Foundation
import JSON
import Management
import Testing

/// 200 objects of every kind, as RabbitMQ 3.10 exports them.
enum DefinitionsSample {
    static let bytes: [UInt8] = {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "rabbitmq-3.10.json")
        return (try? Data(contentsOf: path)).map { Array($0) } ?? []
    }()

    static var json: JSONObject {
        get throws { try #require(try JSONParser.parse(bytes).object) }
    }

    /// The objects of a category as comparable texts, without what versions and kinds of brokers add of their own.
    static func objects(_ category: String, of definitions: JSONObject) throws -> Set<String> {
        var texts: Set<String> = []
        for value in try #require(definitions[category]?.array, "\(category)") {
            var object = try #require(value.object)
            // What RabbitMQ keeps for itself belongs to its cluster.
            if object["name"]?.string?.hasPrefix("internal") == true { continue }
            switch category {
            case "vhosts": object = JSONObject([.init(name: "name", value: object["name"] ?? .null)])
            case "queues": object["type"] = nil
            default: break
            }
            texts.insert(String(decoding: sorted(.object(object)).encoded, as: UTF8.self))
        }
        return texts
    }

    static let categories = [
        "users", "vhosts", "permissions", "topic_permissions", "parameters", "global_parameters", "policies",
        "queues", "exchanges", "bindings",
    ]

    private static func sorted(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let values): return .array(values.map(sorted))
        case .object(let object):
            let members = object.members.map { JSONObject.Member(name: $0.name, value: sorted($0.value)) }
            return .object(JSONObject(members.sorted { $0.name < $1.name }))
        default: return value
        }
    }
}
