import AMQPWire
import Testing

@testable import Broker

/// Runtime parameters, global parameters and the limits of virtual hosts.
@Suite struct ParameterTests {
    @Test func parametersAreSetListedAndCleared() throws {
        let controlPlane = ControlPlane(shardCount: 1, virtualHost: "/")
        try controlPlane.addVirtualHost("v")
        let upstream: FieldValue = .table(["uri": .string("amqp://there")])
        try controlPlane.setParameter(component: "shovel", name: "s", value: .int64(1), virtualHost: "v")
        try controlPlane.setParameter(
            component: "federation-upstream", name: "u", value: upstream, virtualHost: "/")
        try controlPlane.setParameter(component: "shovel", name: "s", value: .int64(2), virtualHost: "v")
        #expect(
            try controlPlane.parameters() == [
                RuntimeParameter(virtualHost: "/", component: "federation-upstream", name: "u", value: upstream),
                RuntimeParameter(virtualHost: "v", component: "shovel", name: "s", value: .int64(2)),
            ])
        #expect(try controlPlane.parameters(virtualHost: "v").map(\.name) == ["s"])
        try controlPlane.clearParameter(component: "shovel", name: "s", virtualHost: "v")
        #expect(throws: AdministrationError.self) {
            try controlPlane.clearParameter(component: "shovel", name: "s", virtualHost: "v")
        }
        for (component, name, virtualHost) in [("", "n", "/"), ("c", "", "/"), ("policy", "n", "/"), ("c", "n", "w")] {
            #expect(throws: AdministrationError.self) {
                try controlPlane.setParameter(
                    component: ShortString(truncating: component), name: ShortString(truncating: name), value: .void,
                    virtualHost: ShortString(truncating: virtualHost))
            }
        }
        #expect(throws: AdministrationError.notFound("vhost 'w' not found")) {
            try controlPlane.parameters(virtualHost: "w")
        }
        try controlPlane.setParameter(component: "shovel", name: "s", value: .int64(1), virtualHost: "v")
        try controlPlane.deleteVirtualHost("v")
        try controlPlane.addVirtualHost("v")
        #expect(try controlPlane.parameters(virtualHost: "v") == [])
    }

    /// There is one truth about them, whichever way they are set.
    @Test func limitsOfAVirtualHostAreAParameter() throws {
        let controlPlane = ControlPlane(shardCount: 1, virtualHost: "/")
        func set(_ value: FieldValue, name: ShortString = "limits") throws {
            try controlPlane.setParameter(component: "vhost-limits", name: name, value: value, virtualHost: "/")
        }
        try controlPlane.changeVirtualHost("/") { $0.description = "kept" }
        try set(.table(["max-queues": .int64(7)]))
        #expect(controlPlane.virtualHosts.first?.metadata.maxQueues == 7)
        try controlPlane.setVirtualHostLimit(.maxConnections, to: 3, virtualHost: "/")
        let limits: FieldTable = ["max-connections": .int64(3), "max-queues": .int64(7)]
        #expect(controlPlane.virtualHostLimits.map(\.limits) == [limits])
        #expect(try controlPlane.parameters().map(\.value) == [.table(limits)])
        #expect(throws: AdministrationError.self) { try set(.table(["max-queues": .string("many")])) }
        #expect(throws: AdministrationError.self) { try set(.table(["max-wishes": .int64(3)])) }
        #expect(throws: AdministrationError.self) { try set(.int64(3)) }
        #expect(throws: AdministrationError.self) { try set(.table(FieldTable()), name: "other") }
        #expect(controlPlane.virtualHostLimits.map(\.limits) == [limits])
        try controlPlane.clearParameter(component: "vhost-limits", name: "limits", virtualHost: "/")
        #expect(controlPlane.virtualHostLimits.isEmpty)
        #expect(controlPlane.virtualHosts.first?.metadata.description == "kept")
        #expect(throws: AdministrationError.self) {
            try controlPlane.clearParameter(component: "vhost-limits", name: "limits", virtualHost: "/")
        }
    }

    @Test func clientsAreToldTheNameOfTheCluster() {
        converse { broker in
            func told() -> String? {
                let client = broker.accept()
                client.send(bytes: ConversationClient.protocolHeader)
                return client.expect(ConnectionStart.self, channel: 0)?.serverProperties["cluster_name"]?.text
            }
            #expect(told() == "leveret@localhost")
            broker.administer { controlPlane throws(AdministrationError) in
                try controlPlane.setGlobalParameter("cluster_name", to: .string("meadow"))
                try controlPlane.setGlobalParameter("other", to: .bool(true))
            }
            #expect(told() == "meadow")
            #expect(broker.controlPlane.clusterName == "meadow")
            #expect(broker.controlPlane.globalParameters.map(\.name) == ["cluster_name", "other"])
            for value in [FieldValue.int64(1), .string(""), .string(String(repeating: "x", count: 256))] {
                #expect(throws: AdministrationError.self) {
                    try broker.controlPlane.setGlobalParameter("cluster_name", to: value)
                }
            }
            #expect(throws: AdministrationError.self) {
                try broker.controlPlane.setGlobalParameter("", to: .void)
            }
            broker.administer { controlPlane throws(AdministrationError) in
                try controlPlane.clearGlobalParameter("cluster_name")
            }
            #expect(told() == "leveret@localhost")
            #expect(throws: AdministrationError.self) {
                try broker.controlPlane.clearGlobalParameter("cluster_name")
            }
        }
    }
}
