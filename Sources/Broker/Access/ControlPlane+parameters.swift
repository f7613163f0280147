import AMQPWire

// Runtime parameters, global ones, and the limits of virtual hosts.
extension ControlPlane {
    /// By virtual host, component and name.
    ///
    /// - Parameter virtualHost: nil for all.
    package func parameters(virtualHost: ShortString? = nil) throws(AdministrationError) -> [RuntimeParameter] {
        let all = try administer { topology throws(AdministrationError) in
            if let virtualHost { _ = try topology.index(of: virtualHost) }
            var all: [RuntimeParameter] = []
            for (host, index) in topology.virtualHostIndexes where virtualHost == nil || virtualHost == host {
                for (name, value) in topology.parameters[host] ?? [:] {
                    all.append(
                        RuntimeParameter(
                            virtualHost: host, component: name.component, name: name.name, value: value))
                }
                let limits = topology.virtualHosts[index].metadata.limits
                if limits.isEmpty { continue }
                let name = ParameterName.virtualHostLimits
                all.append(
                    RuntimeParameter(
                        virtualHost: host, component: name.component, name: name.name, value: .table(limits)))
            }
            return all
        }
        return all.sorted {
            ($0.virtualHost, $0.component, $0.name) < ($1.virtualHost, $1.component, $1.name)
        }
    }

    package func setParameter(
        component: ShortString, name: ShortString, value: FieldValue, virtualHost: ShortString
    ) throws(AdministrationError) {
        if component.isEmpty || name.isEmpty { throw .invalid("a parameter needs a component and a name") }
        if component == "policy" || component == "operator_policy" {
            throw .invalid("policies are no parameters that can be set as such")
        }
        let name = ParameterName(component: component, name: name)
        if component == ParameterName.virtualHostLimits.component, name != .virtualHostLimits {
            throw .invalid("the parameter of component vhost-limits has the name limits")
        }
        try administer { topology throws(AdministrationError) in
            let index = try topology.index(of: virtualHost)
            guard name == .virtualHostLimits else {
                return topology.set(value, for: name, in: virtualHost)
            }
            var metadata = topology.virtualHosts[index].metadata
            try metadata.setLimits(value)
            topology.set(metadata, of: virtualHost)
        }
    }

    package func clearParameter(
        component: ShortString, name: ShortString, virtualHost: ShortString
    ) throws(AdministrationError) {
        let name = ParameterName(component: component, name: name)
        try administer { topology throws(AdministrationError) in
            let index = try topology.index(of: virtualHost)
            if name == .virtualHostLimits {
                var metadata = topology.virtualHosts[index].metadata
                guard !metadata.limits.isEmpty else { throw .noParameter(name, virtualHost) }
                try metadata.setLimits(.table(FieldTable()))
                return topology.set(metadata, of: virtualHost)
            }
            guard topology.parameters[virtualHost]?[name] != nil else { throw .noParameter(name, virtualHost) }
            topology.set(nil, for: name, in: virtualHost)
        }
    }

    // MARK: Global parameters

    /// By name.
    package var globalParameters: [GlobalParameter] {
        let all = try? withTopology { topology in
            topology.globalParameters.map { GlobalParameter(name: $0, value: $1) }
        }
        return (all ?? []).sorted { $0.name < $1.name }
    }

    /// `cluster_name` is what clients are told from now on when they connect.
    package func setGlobalParameter(_ name: ShortString, to value: FieldValue) throws(AdministrationError) {
        if name.isEmpty { throw .invalid("a parameter needs a name") }
        if name == Self.clusterNameParameter {
            guard let text = value.text, 1...ShortString.byteLimit ~= text.utf8.count else {
                throw .invalid("cluster_name should be a string of 1 to 255 bytes")
            }
        }
        try administer { topology throws(AdministrationError) in topology.setGlobal(name, to: value) }
    }

    package func clearGlobalParameter(_ name: ShortString) throws(AdministrationError) {
        try administer { topology throws(AdministrationError) in
            guard topology.globalParameters[name] != nil else {
                throw .notFound("global parameter '\(name)' not found")
            }
            topology.setGlobal(name, to: nil)
        }
    }

    static let clusterNameParameter: ShortString = "cluster_name"

    /// nil while nobody has set it.
    package var clusterName: String? {
        let name = try? withTopology { $0.globalParameters[Self.clusterNameParameter]?.text }
        return name ?? nil
    }

    // MARK: Limits of virtual hosts

    /// Virtual hosts that have any.
    package var virtualHostLimits: [(virtualHost: ShortString, limits: FieldTable)] {
        virtualHosts.map { ($0.name, $0.metadata.limits) }.filter { !$0.1.isEmpty }
    }

    /// - Parameter value: nil for none any more. What is there already stays.
    package func setVirtualHostLimit(
        _ limit: VirtualHostLimit, to value: Int?, virtualHost: ShortString
    ) throws(AdministrationError) {
        try changeVirtualHost(virtualHost) { $0[limit] = value }
    }

    /// Changes what is said of a virtual host in one step, whoever else does at the same time.
    package func changeVirtualHost(
        _ name: ShortString, _ body: (inout VirtualHostMetadata) -> Void
    ) throws(AdministrationError) {
        try administer { topology throws(AdministrationError) in
            var metadata = topology.virtualHosts[try topology.index(of: name)].metadata
            body(&metadata)
            topology.set(metadata, of: name)
        }
    }
}

extension AdministrationError {
    fileprivate static func noParameter(_ name: ParameterName, _ virtualHost: ShortString) -> AdministrationError {
        .notFound("parameter '\(name.name)' of component '\(name.component)' in vhost '\(virtualHost)' not found")
    }
}

extension ControlPlane.Topology {
    /// - Parameter value: nil for none any more.
    mutating func set(_ value: FieldValue?, for name: ParameterName, in virtualHost: ShortString) {
        parameters[virtualHost, default: [:]][name] = value
        if let value {
            log.journal(.access(.parameterSet(virtualHost: virtualHost, name, value)))
            log.announce(.parameterSet(name.component, name.name, value, virtualHost))
        } else {
            log.journal(.access(.parameterCleared(virtualHost: virtualHost, name)))
            log.announce(.parameterCleared(name.component, name.name, virtualHost))
        }
    }

    /// - Parameter value: nil for none any more.
    mutating func setGlobal(_ name: ShortString, to value: FieldValue?) {
        globalParameters[name] = value
        if let value {
            log.journal(.access(.globalParameterSet(name: name, value)))
            log.announce(.parameterSet("global", name, value, nil))
        } else {
            log.journal(.access(.globalParameterCleared(name: name)))
            log.announce(.parameterCleared("global", name, nil))
        }
        if name == ControlPlane.clusterNameParameter { log.append(.clusterNameChanged(value?.text)) }
    }

    /// The steps that build parameters again.
    func forEachParameterStep(_ body: (TopologyStep) -> Void) {
        for (host, values) in parameters {
            for (name, value) in values { body(.access(.parameterSet(virtualHost: host, name, value))) }
        }
        for (name, value) in globalParameters { body(.access(.globalParameterSet(name: name, value))) }
    }

    mutating func recoverParameters(of durable: DurableTopology) {
        for (host, values) in durable.parameters where virtualHostIndexes[host] != nil { parameters[host] = values }
        for (name, value) in durable.globalParameters { setGlobal(name, to: value) }
    }
}
