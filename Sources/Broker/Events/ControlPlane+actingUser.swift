import AMQPWire

extension ControlPlane {
    /// Makes changes as this user: those who listen to events are told who has made them.
    package static func acting<Value, Failure: Error>(
        as user: ShortString, _ body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let outcome: Result<Value, Failure> = $actingUser.withValue(user) {
            do throws(Failure) {
                return .success(try body())
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }
}
