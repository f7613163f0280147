import Node
import Testing

@testable import leveret

@Suite struct AnnouncementTests {
    @Test(arguments: [
        ("127.0.0.1:5672", "amqp://guest:guest@127.0.0.1:5672/"),
        ("[::]:5672", "amqp://guest:guest@127.0.0.1:5672/"),
        ("0.0.0.0:1", "amqp://guest:guest@127.0.0.1:1/"),
        ("[::1]:5672", "amqp://guest:guest@[::1]:5672/"),
    ])
    func uriIsForAClientOnThisMachine(address: String, expected: String) {
        #expect(Announcement.uri(configuration: Configuration(), listeningAddress: address) == expected)
    }

    @Test func namesArePercentEncoded() {
        var configuration = Configuration()
        configuration.defaultUser = "a b@\u{1B}ä"
        configuration.defaultVHost = "x/y"
        let expected = "amqp://a%20b%40%1B%C3%A4:guest@127.0.0.1:1/x%2Fy"
        #expect(Announcement.uri(configuration: configuration, listeningAddress: "127.0.0.1:1") == expected)
    }
}
