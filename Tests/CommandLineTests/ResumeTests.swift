import Foundation
import NullTextInversion
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite("Interrupted inversions") struct ResumeTests {
  /// Enough inner iterations for the run to be stopped during fitting, in debug and release builds.
  #if DEBUG
    private static let innerSteps = 2
  #else
    private static let innerSteps = 60
  #endif

  private let arguments = [
    "invert", "photo.png", "--model", Sample.model, "--steps", "30", "--inner-steps", "\(Self.innerSteps)",
    "--json",
  ]

  @Test("a resumed inversion has the same bytes, and other arguments are rejected") func resume()
    async throws
  {
    let sample = try await Sample()
    let whole = try await sample.run(arguments + ["--caption", Sample.caption, "-o", "whole.nti"])
    #expect(whole.status == 0, "\(whole.errors)")
    let effort = try #require(try whole.json().integer("evaluations", "forward"))

    let stopped = try Program.Run(
      arguments + ["--caption", Sample.caption, "-o", "late.nti"], in: sample.scratch)
    #expect(try await stopped.stopped(by: SIGKILL, after: "fitting").status == 128 + SIGKILL)
    #expect(try sample.scratch.names.contains("late.nti.partial"))
    let inspected = try await sample.run(["inspect", "late.nti.partial", "--json"])
    #expect(try inspected.json()["isComplete"] as? Bool == false)

    let other = try await sample.run(arguments + ["--caption", "a dog on a mat", "-o", "late.nti"])
    #expect(other.status == 65)
    #expect(other.errors.contains("caption (\"\(Sample.caption)\")"))

    let rest = try await sample.run(arguments + ["--caption", Sample.caption, "-o", "late.nti"])
    #expect(rest.status == 0, "\(rest.errors)")
    #expect(try #require(try rest.json().integer("evaluations", "forward")) < effort - 29)
    #expect(try Data(contentsOf: sample.scratch("late.nti")) == Data(contentsOf: sample.scratch("whole.nti")))
    #expect(try !sample.scratch.names.contains("late.nti.partial"))
  }
}
