/// A violation of the wire format by the peer's bytes. All of them are answered with `connection.close`.
package enum WireError: Error, Equatable, Sendable {
    /// The bytes end before the field does: RabbitMQ answers 501 FRAME_ERROR or 502 SYNTAX_ERROR by where it happens.
    case truncated
    /// A class or method number that AMQP 0-9-1 does not define (540 NOT_IMPLEMENTED).
    case unknownMethod(classID: UInt16, methodID: UInt16)
    /// A field table's value has a type letter that is not RabbitMQ's (502 SYNTAX_ERROR).
    case unknownFieldType(UInt8)
    /// Tables and arrays nested deeper than `FieldTable.depthLimit` (502 SYNTAX_ERROR).
    case nestedTooDeep
    /// Bytes are left over where a method or table should have ended (502 SYNTAX_ERROR).
    case trailingBytes
    /// The property flags announce more than the 14 properties of class basic (502 SYNTAX_ERROR).
    case unknownProperty
}
