import DiffusionCore
import Foundation
import NullTextInversion
import Testing

@Suite("Step windows") struct StepWindowTests {
  @Test(
    "fractions of steps are truncated in double precision",
    arguments: [
      (0.2, 50, 10), (0.4, 50, 20), (0.5, 50, 25), (0.6, 50, 30), (0.7, 50, 35), (0.8, 51, 40), (1.0, 51, 51),
      (0.29, 100, 28), (0, 50, 0),
    ])
  func truncation(end: Double, count: Int, expected: Int) throws {
    #expect(try StepWindow(to: end).steps(of: count) == 0..<expected)
  }

  @Test("a range starts at its first fraction")
  func range() throws {
    #expect(try StepWindow(0.1, 0.5).steps(of: 50) == 5..<25)
    #expect(try StepWindow(0.3, 0.3).steps(of: 10).isEmpty)
    #expect(StepWindow.all.steps(of: 7) == 0..<7)
    #expect(StepWindow.none.steps(of: 7).isEmpty)
  }

  @Test("invalid windows are rejected", arguments: [(-0.1, 0.5), (0.5, 0.4), (0, 1.1), (.nan, 1), (0, .nan)])
  func refused(bounds: (Double, Double)) {
    let error = #expect(throws: InputError.self) { try StepWindow(bounds.0, bounds.1) }
    #expect(error?.kind == .outOfRange)
  }

  @Test(
    "a window is parsed and printed as on the command line",
    arguments: ["0.4", "0.1:0.5", "1.0", "0.25:0.25"])
  func text(text: String) throws {
    #expect(try StepWindow(parsing: text).description == text)
  }

  @Test("a text may have spaces, whole numbers and an explicit 0")
  func lenientText() throws {
    #expect(try StepWindow(parsing: " 0.1 : 0.5 ") == StepWindow(0.1, 0.5))
    #expect(try StepWindow(parsing: "1") == .all)
    #expect(try StepWindow(parsing: "0:0.3") == 0.3)
  }

  @Test(
    "the error of an invalid text shows a valid form",
    arguments: ["", ":", "0.1:", "0.1:0.2:0.3", "half", "0,4"])
  func malformed(text: String) {
    let error = #expect(throws: InputError.self) { try StepWindow(parsing: text) }
    #expect(error?.kind == .malformed)
  }

  @Test("a window out of range is rejected in texts and in files")
  func outOfRange() {
    #expect(throws: InputError.self) { try StepWindow(parsing: "1.5") }
    #expect(throws: InputError.self) { try StepWindow(parsing: "0.5:0.1") }
    #expect(throws: InputError.self) {
      try JSONDecoder().decode(StepWindow.self, from: Data("[0.5, 0.1]".utf8))
    }
    #expect(throws: InputError.self) { try JSONDecoder().decode(StepWindow.self, from: Data("2".utf8)) }
    #expect(throws: InputError.self) {
      try JSONDecoder().decode(StepWindow.self, from: Data("[0,0.5,1]".utf8))
    }
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(StepWindow.self, from: Data("[0.5]".utf8))
    }
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(StepWindow.self, from: Data("\"x\"".utf8))
    }
  }

  @Test("in a file, a window is a number or an array of two numbers")
  func json() throws {
    let windows = [0.4, try StepWindow(0.1, 0.5), 1]
    let data = try JSONEncoder().encode(windows)
    #expect(String(decoding: data, as: UTF8.self) == "[0.4,[0.1,0.5],1]")
    #expect(try JSONDecoder().decode([StepWindow].self, from: data) == windows)
  }

  @Test("the source's latent replaces the target's except in the last part of the steps, counted from 1")
  func spatialReplace() throws {
    let replace = try SpatialReplace(stopInject: 0.3)
    #expect((0..<50).filter { replace.isActive(step: $0, of: 50) } == Array(0..<34))
    #expect(try !(0..<50).contains { try SpatialReplace(stopInject: 1).isActive(step: $0, of: 50) })
    #expect(throws: InputError.self) { try SpatialReplace(stopInject: 1.2) }
    #expect(throws: InputError.self) {
      try JSONDecoder().decode(SpatialReplace.self, from: Data(#"{"stopInject": -1}"#.utf8))
    }
  }
}
