import Broker

extension AccessSettings {
    init(_ configuration: Configuration) {
        self.init()
        defaultUser.name = configuration.defaultUser
        defaultUser.password = configuration.defaultPass
        defaultUser.tags = configuration.defaultUserTagNames
        defaultUser.permissions = Permissions(
            configure: configuration.defaultConfigurePermission, write: configuration.defaultWritePermission,
            read: configuration.defaultReadPermission)
        loopbackUsers = configuration.loopbackUsers
        passwords = .cryptographic
    }
}
