extension Specification {
    /// The specification with RabbitMQ's practice where its XML contradicts it.
    func corrected() throws -> Specification {
        var corrected = self
        // The client renews its token and the server confirms it; the XML has them the wrong way round.
        try corrected.change("connection", "update-secret") {
            $0.serverReceives = true
            $0.clientReceives = false
        }
        try corrected.change("connection", "update-secret-ok") {
            $0.serverReceives = false
            $0.clientReceives = true
        }
        // basic.recover is answered, unlike basic.recover-async; the XML leaves it at the prose.
        try corrected.change("basic", "recover") {
            $0.isSynchronous = true
            $0.responses = ["recover-ok"]
        }
        // The only one that is not called no-wait.
        try corrected.change("confirm", "select") { method in
            for index in method.fields.indices where method.fields[index].name == "nowait" {
                method.fields[index].name = "no-wait"
            }
        }
        return corrected
    }

    private mutating func change(
        _ className: String, _ methodName: String, _ change: (inout MethodDefinition) -> Void
    ) throws {
        guard let classIndex = classes.firstIndex(where: { $0.name == className }),
            let methodIndex = classes[classIndex].methods.firstIndex(where: { $0.name == methodName })
        else { throw GeneratorError("the specification lacks \(className).\(methodName)") }
        change(&classes[classIndex].methods[methodIndex])
    }
}
