import Testing
@Suite struct PlaceDiffusionCoreTests { @Test func stands() { #expect(Bool(true)) } }
