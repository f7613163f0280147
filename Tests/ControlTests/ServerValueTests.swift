import JSON
import Testing

@testable import leveretctl

@Suite struct TolerantJSONTests {
    @Test func readingIsTolerant() throws {
        let row = try JSONValue(parsing: #"{"a":"12","b":3.0,"c":{"d":{"e":1}},"t":"x, y","l":["x","y"],"f":"true"}"#)
        #expect(row["a"].wholeNumber == 12)
        #expect(row["b"].wholeNumber == 3)
        #expect(row["missing"].wholeNumber == nil)
        #expect(row[path: "c.d.e"].wholeNumber == 1)
        #expect(row[path: "c.nothing.e"].isNull)
        #expect(row["t"].words == ["x", "y"])
        #expect(row["l"].words == ["x", "y"])
        #expect(row["f"].flag)
        #expect(row["a"]["b"]["c"].isNull)
        #expect(JSONValue.double(1e300).wholeNumber == nil)
    }

    @Test func readingForgives() throws {
        #expect(try JSONValue(parsing: #"{"a":1,"a":2}"#)["a"] == 1)
        let deep = String(repeating: "[", count: 150) + String(repeating: "]", count: 150)
        #expect(try JSONValue(parsing: deep).compact == deep)
        #expect(throws: JSONError.self) { try JSONValue(parsing: String(repeating: "[", count: 100_000)) }
    }
}

@Suite struct ServerValueTests {
    @Test(arguments: [
        (["queues", "/", "a b"], "/queues/%2F/a%20b"), (["x", ""], "/x/"), (["x", ".."], "/x/%2E%2E"),
        (["x", "a.b"], "/x/a.b"), (["ä", "%2F"], "/%C3%A4/%252F"), (["a?b#c&d=e+f"], "/a%3Fb%23c%26d%3De%2Bf"),
        (["\u{1}\u{7F}"], "/%01%7F"),
    ])
    func namesInPathsAreEncoded(names: [String], expected: String) {
        #expect(APIPath(names).description == expected)
    }

    @Test func parametersFollowEachOther() {
        #expect(APIPath("a").with("b", "c d").with("e", "/").description == "/a?b=c%20d&e=%2F")
    }

    private func endpoint(_ url: String, user: String? = nil, fromArguments: Bool = false) throws -> Endpoint {
        try Endpoint(url: url, user: user, isFromArguments: fromArguments) { "password of \($0)" }
    }

    @Test(arguments: [
        ("http://127.0.0.1:15672", "http://127.0.0.1:15672", "127.0.0.1"),
        ("broker", "http://broker:15672", "broker"), ("broker:80/", "http://broker:80", "broker"),
        ("HTTPS://broker", "https://broker:15671", "broker"), ("http://broker/api", "http://broker:15672", "broker"),
        ("http://[::1]:99", "http://[::1]:99", "::1"), ("[::1]", "http://[::1]:15672", "::1"),
    ])
    func addressesAreRead(url: String, address: String, host: String) throws {
        let endpoint = try endpoint(url)
        #expect(endpoint.address == address)
        #expect(endpoint.host == host)
        #expect(endpoint.user == "guest")
        #expect(endpoint.password == "password of guest")
    }

    @Test(arguments: [
        "", "http://", "ftp://x", "http://x:0", "http://x:65536", "http://x:y", "http://x/other", "http://a b",
        "http://[::1", "http://[::1]x", "http://x?y", "http://%zz:p@x", "http://x\n",
    ])
    func unusableAddressesAreRefused(url: String) {
        #expect(throws: ControlError.self) { try endpoint(url) }
    }

    @Test func loginsInURLs() throws {
        let endpoint = try endpoint("http://alice:p%40ss%3A@broker")
        #expect(endpoint.user == "alice" && endpoint.password == "p@ss:")
        #expect(try self.endpoint("http://alice@broker").password == "password of alice")
        #expect(try self.endpoint("http://alice@broker", user: "bob").user == "bob")
    }

    @Test func passwordsInArgumentsAreRefused() {
        #expect(throws: ControlError.self) { try endpoint("http://alice:secret@broker", fromArguments: true) }
    }

    @Test(arguments: [
        ("x-max-length=10", #"{"x-max-length":10}"#),
        ("x-dead-letter-routing-key=10", #"{"x-dead-letter-routing-key":"10"}"#),
        ("a=b=c", #"{"a":"b=c"}"#), ("a=", #"{"a":""}"#), ("a=true", #"{"a":true}"#), (#"a="1""#, #"{"a":"1"}"#),
        ("a=[1,2]", #"{"a":[1,2]}"#),
    ])
    func assignmentsAreTyped(text: String, expected: String) throws {
        #expect(try Assignments.json([text], option: "-a").compact == expected)
    }

    @Test(arguments: ["", "a", "=b"])
    func whatIsNoAssignmentIsRefused(text: String) {
        #expect(throws: ControlError.self) { try Assignments.json([text], option: "-a") }
    }

    @Test func errorsTellTheServersReason() {
        func reason(_ body: String) -> String {
            ServerError(status: 400, body: Array(body.utf8), request: "PUT /x").reason
        }
        #expect(reason(#"{"error":"bad_request","reason":"no"}"#) == "no")
        #expect(reason(#"{"error":"bad_request"}"#) == "bad_request")
        #expect(reason(#"{"reason":{"a":1}}"#) == #"{"a":1}"#)
        #expect(reason("plain\n") == "plain")
        #expect(reason("") == "no reason given")
    }
}
