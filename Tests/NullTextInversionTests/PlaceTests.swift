import Testing
@Suite struct PlaceNullTextInversionTests { @Test func stands() { #expect(Bool(true)) } }
