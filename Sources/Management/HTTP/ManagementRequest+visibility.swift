import AMQPWire
import Broker
import Node

// What of the broker the user gets to see.
extension ManagementRequest {
    /// The virtual hosts whose objects are listed: the one that the request names, or else all that the user may open;
    /// administrators see all (RabbitMQ: `filter_vhost`).
    var listedVirtualHosts: [ShortString] {
        get throws(ManagementError) {
            let all = administration.controlPlane.virtualHosts.map(\.name)
            if parameters["vhost"] != nil {
                let named = try virtualHost
                return user.isAdministrator || administration.mayOpen(named, user: user.name) ? [named] : []
            }
            let named = try namedVirtualHost
            return all.filter { host in
                (named == nil || named == host)
                    && (user.isAdministrator || administration.mayOpen(host, user: user.name))
            }
        }
    }

    /// Whether a connection or channel of this user in this virtual host is listed: monitors see everybody's, others
    /// their own.
    func lists(user owner: ShortString, virtualHost: ShortString, named: ShortString?) -> Bool {
        (user.isMonitor || owner == user.name) && (named == nil || named == virtualHost)
    }
}
