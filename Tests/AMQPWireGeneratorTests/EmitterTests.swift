import Foundation
import Testing

@testable import AMQPWireGenerator

@Suite struct EmitterTests {
    private func parse(_ xml: String) throws -> Specification {
        try SpecificationParser.parse([(name: "test.xml", content: Data(xml.utf8))])
    }

    private func methodSource(fields: String) throws -> String {
        let specification = try parse(
            """
            <amqp>
              <domain name="bit" type="bit"/>
              <domain name="short" type="short"/>
              <class name="test" index="7"><method name="do-it" index="9" label="do it">\(fields)</method></class>
            </amqp>
            """)
        let emitter = SwiftEmitter(specification: specification)
        return emitter.source(of: specification.classes[0])
    }

    @Test func namesFollowSwift() {
        #expect(upperCamelCase("update-secret-ok") == "UpdateSecretOk")
        #expect(lowerCamelCase("delivery-tag") == "deliveryTag")
        #expect(lowerCamelCase("class-id") == "classID")
    }

    @Test func nineBitsTakeTwoOctets() throws {
        let bits = (0..<9).map { "<field name='b\($0)' domain='bit' label='b'/>" }.joined()
        let source = try methodSource(fields: bits)
        #expect(source.contains("b7 = bits0 & 0b1000_0000 != 0\n        let bits1 = try reader.readUInt8()\n"))
        #expect(source.contains("b8 = bits1 & 0b0000_0001 != 0\n"))
    }

    @Test func bitsApartDoNotShareAnOctet() throws {
        let source = try methodSource(
            fields: """
                <field name="a" domain="bit" label="a"/><field name="n" domain="short" label="n"/>\
                <field name="b" domain="bit" label="b"/>
                """)
        #expect(source.contains("a = bits0 & 0b0000_0001 != 0\n        n = try reader.readUInt16()\n"))
        #expect(source.contains("b = bits1 & 0b0000_0001 != 0\n"))
    }

    @Test func reservedBitKeepsItsPlace() throws {
        let source = try methodSource(
            fields: "<field name='a' type='bit' reserved='1'/><field name='b' domain='bit' label='b'/>")
        #expect(source.contains("        b = bits & 0b0000_0010 != 0\n"))
        #expect(!source.contains(" a "))
    }

    @Test(arguments: [
        ("<amqp><class name='x'/></amqp>", "<class> lacks the attribute index"),
        ("<amqp><class name='x' index='no'/></amqp>", "index of <class> is no number: no"),
        ("<amqp><domain name='x' type='y'/></amqp>", "unknown type y"),
        ("<other/>", "the root element is <other>, not <amqp>"),
        ("<amqp>", "of the XML cannot be read"),
        (
            "<amqp><class name='x' index='1'><method name='m' index='1'>"
                + "<field name='f' domain='d'/></method></class></amqp>",
            "field f has the unknown domain d"
        ),
    ])
    func brokenSpecificationIsRefusedWithItsReason(xml: String, reason: String) {
        #expect {
            try parse(xml)
        } throws: { error in
            "\(error)".hasPrefix("test.xml: ") && "\(error)".contains(reason)
        }
    }
}
