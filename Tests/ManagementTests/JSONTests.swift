import Management
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
        "{\"a\":1,\"a\":2}", "1e400", "\u{FEFF}1",
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

    @Test func percentEncodingIsStrict() {
        #expect(PercentEncoding.decode("a%2Fb+c") == "a/b+c")
        #expect(PercentEncoding.decode("a+b", plusIsSpace: true) == "a b")
        for text in ["%", "%1", "%g0", "%FF", "%C0%80", "%ED%A0%80"] { #expect(PercentEncoding.decode(text) == nil) }
        #expect(PercentEncoding.encode("/ä a~") == "%2F%C3%A4%20a~")
    }
}
