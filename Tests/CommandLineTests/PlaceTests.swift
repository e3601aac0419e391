import Testing
@Suite struct PlaceCommandLineTests { @Test func stands() { #expect(Bool(true)) } }
