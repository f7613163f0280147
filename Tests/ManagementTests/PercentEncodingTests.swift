import Management
import Testing

@Suite struct PercentEncodingTests {
    @Test func percentEncodingIsStrict() {
        #expect(PercentEncoding.decode("a%2Fb+c") == "a/b+c")
        #expect(PercentEncoding.decode("a+b", plusIsSpace: true) == "a b")
        for text in ["%", "%1", "%g0", "%FF", "%C0%80", "%ED%A0%80"] { #expect(PercentEncoding.decode(text) == nil) }
        #expect(PercentEncoding.encode("/ä a~") == "%2F%C3%A4%20a~")
    }
}
