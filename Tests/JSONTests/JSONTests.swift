import Foundation
import JSON
import Testing

@Suite struct JSONTests {
    @Test(arguments: [
        "null", "true", "false", "0", "-1", "9223372036854775807", "1.5", "\"a\"", "[]", "{}", "[1,[2],{\"a\":null}]",
        #"{"a":1,"b":[true,false],"c":{"d":"e"}}"#, #""\"\\\/""#, #""é\t\u0001😀""#,
    ])
    func whatIsWrittenReadsTheSame(text: String) throws {
        let value = try JSONParser.parse(Array(text.utf8))
        #expect(try JSONParser.parse(value.encoded) == value)
    }

    @Test(arguments: [
        "", " ", "nul", "tru", "[", "]", "[1,]", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "01", "-", "1.",
        "1e",
        "+1", "NaN", "1 2", "\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"\n\"", "'a'", "// a\n1",
        "{\"a\":1,\"a\":2}", "1e400", "\u{FEFF}", "1\u{FEFF}", "\u{FEFF}\u{FEFF}1",
    ])
    func whatIsNoJSONIsRefused(text: String) {
        #expect(throws: JSONError.self) { try JSONParser.parse(Array(text.utf8)) }
    }

    @Test func bytesThatAreNoUTF8AreRefused() {
        #expect(throws: JSONError.self) { try JSONParser.parse([0x22, 0xFF, 0x22]) }
        #expect(throws: JSONError.self) { try JSONParser.parse([0x22, 0xED, 0xA0, 0x80, 0x22]) }
    }

    @Test func depthIsBounded() throws {
        func nested(_ depth: Int) -> [UInt8] {
            Array(repeating: 0x5B, count: depth) + Array(repeating: 0x5D, count: depth)
        }
        _ = try JSONParser.parse(nested(JSONParser.depthLimit))
        #expect(throws: JSONError.self) { try JSONParser.parse(nested(JSONParser.depthLimit + 1)) }
        #expect(throws: JSONError.self) { try JSONParser.parse(Array(repeating: 0x5B, count: 1_000_000)) }
    }

    @Test func surrogatePairsAreOneCharacter() throws {
        #expect(try JSONParser.parse(Array(#""\ud83d\ude00""#.utf8)) == "😀")
    }

    @Test func numbersKeepTheirKind() throws {
        #expect(
            try JSONParser.parse(Array("[1,1.0,1e2,9223372036854775808]".utf8))
                == [1, 1.0, 100.0, 9.223372036854775808e18])
        #expect(JSONValue.double(.nan).encoded == Array("null".utf8))
    }

    @Test(arguments: ["", "f", "fo", "foo", "foob", "fooba", "foobar", "\u{0}\u{FF}"])
    func base64DecodesWhatItEncodes(text: String) {
        #expect(Base64.decode(Base64.encode(Array(text.utf8))) == Array(text.utf8))
    }

    @Test(arguments: ["Z", "Zg", "Zg=", "Zh==", "Z===", "=Zg=", "Zg==Zg==", "Zm9v\n", "Zm9-", "Zm9vZ"])
    func whatIsNoBase64IsRefused(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test func whatIsPrettyReadsTheSame() throws {
        let value: JSONValue = ["a": [1, [], ["b": nil]], "c": [:], "d\n": "e"]
        let text = """
            {
              "a": [
                1,
                [],
                {
                  "b": null
                }
              ],
              "c": {},
              "d\\n": "e"
            }

            """
        #expect(value.pretty == text)
        #expect(try JSONParser.parse(Array(text.utf8)) == value)
        #expect(value.compact == #"{"a":[1,[],{"b":null}],"c":{},"d\n":"e"}"#)
    }

    @Test func whatSteersATerminalOrEndsALineIsEscaped() throws {
        let value: JSONValue = "\u{1B}[2J\u{7F}\u{9B}2J ä\u{80}\u{A0}\u{2028}\u{2029}\u{2027}"
        #expect(value.compact == #""\u001b[2J\u007f\u009b2J ä\u0080\#u{A0}\u2028\u2029\#u{2027}""#)
        #expect(try JSONParser.parse(value.encoded) == value)
    }

    @Test func aByteOrderMarkIsPassedOver() throws {
        #expect(try JSONParser.parse([0xEF, 0xBB, 0xBF] + Array(" [1]".utf8)) == [1])
    }

    @Test func namesThatComeTwiceMayBeAllowed() throws {
        let value = try JSONParser.parse(Array(#"{"a":1,"a":2}"#.utf8), hasUniqueNames: false)
        #expect(value.object?["a"] == 1)
    }

    @Test func numbersBeyondIntegersBecomeDoubles() {
        var object = JSONObject()
        object.add("least", Int64.min)
        object.add("most", UInt64.max)
        #expect(object == ["least": .integer(.min), "most": 18446744073709551615.0])
    }

    /// Hostile or broken bytes are refused or read, never a trap.
    @Test func anyBytesAreSafe() {
        var generator = SystemRandomNumberGenerator()
        let letters = Array(#"{}[]",:\u0123eE+-.truefalsn "#.utf8) + [0xC3, 0xA4, 0x00, 0xFF]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...24, using: &generator)).map { _ in letters.randomElement() ?? 0 }
            if let json = try? JSONParser.parse(bytes) {
                #expect((try? JSONParser.parse(json.encoded)) == json, "\(bytes)")
            }
        }
    }

    @Test func base64IsFoundations() {
        for count in 0...40 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
            let text = Data(bytes).base64EncodedString()
            #expect(Base64.encode(bytes) == text)
            #expect(Base64.decode(text) == bytes)
        }
    }
}
