import AMQPWire
import Testing

@testable import Routing

@Suite struct HeadersArgumentTests {
    @Test func theFourModesAndNoneAreFine() {
        #expect(RoutingTable.headersArgumentError([:]) == nil)
        for mode in ["all", "any", "all-with-x", "any-with-x"] {
            #expect(RoutingTable.headersArgumentError(["x-match": .string(mode), "a": .void]) == nil)
        }
    }

    @Test(arguments: [
        (FieldValue.string("bogus"), "<<\"bogus\">>"), (.string(""), "<<>>"), (.string("ALL"), "<<\"ALL\">>"),
        (.string("a\"b\\"), "<<\"a\\\"b\\\\\">>"), (.longString([0, 200]), "<<0,200>>"),
    ])
    func anUnknownModeIsShownAsABinary(value: FieldValue, shown: String) {
        #expect(
            RoutingTable.headersArgumentError(["x-match": value])
                == "Invalid x-match field value \(shown); expected all, any, all-with-x, or any-with-x")
    }

    @Test(arguments: [
        (FieldValue.int8(1), "byte (value 1)"), (.bool(true), "bool (value true)"),
        (.bytes([UInt8](("all".utf8))), "binary (value <<\"all\">>)"), (.void, "void (value undefined)"),
        (.array([.string("all"), .int32(-1)]), "array (value [{longstr,<<\"all\">>},{signedint,-1}])"),
        (.table(["a": .double(1.5)]), "table (value [{<<\"a\">>,double,1.5}])"),
        (.decimal(scale: 1, value: 5), "decimal (value {1,5})"), (.timestamp(7), "timestamp (value 7)"),
    ])
    func anotherTypeIsNamed(value: FieldValue, shown: String) {
        #expect(
            RoutingTable.headersArgumentError(["x-match": value])
                == "Invalid x-match field type \(shown); expected longstr")
    }

    @Test func theTextOfAHugeValueIsBounded() throws {
        let huge = FieldValue.array(Array(repeating: .longString(Array(repeating: 0, count: 10_000)), count: 1000))
        #expect(try #require(RoutingTable.headersArgumentError(["x-match": huge])).utf8.count < 10_000)
    }
}
