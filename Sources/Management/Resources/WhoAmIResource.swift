import HTTPTypes
import JSON
import Node

/// `/api/whoami`: who has logged in.
enum WhoAmIResource: Resource {
    static let routes = [
        Route(.get, "/api/whoami", access: .management) { request throws(ManagementError) in
            .json([
                "name": .text(request.user.name),
                "tags": .array(request.user.tags.map { .string($0) }),
                "is_internal_user": true,
            ])
        }
    ]
}
