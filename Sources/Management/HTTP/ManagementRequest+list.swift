// Answers that are lists.
extension ManagementRequest {
    func list(_ items: [JSONObject]) throws(ManagementError) -> ManagementResponse {
        .json(.array(items.map { .object($0) }))
    }
}
