import Foundation
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Runs the built program as a user does.
enum Program {
  /// The status and the output of a run.
  struct Outcome: Sendable {
    let status: Int32
    let output: String
    let errors: String

    /// Returns the last line of the output as JSON.
    func json() throws -> [String: Any] {
      let line = try #require(output.split(separator: "\n").last)
      return try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
  }

  /// Returns the URL of the program, which the package manager puts next to the tests.
  static func url() throws -> URL {
    let tests = [Bundle.main.executableURL, CommandLine.arguments.first.map { URL(fileURLWithPath: $0) }]
    let folders = tests.compactMap { $0?.resolvingSymlinksInPath().deletingLastPathComponent() }
    let places = folders.flatMap { [$0, $0.appendingPathComponent("../../..").standardized] }
    let found = places.map { $0.appendingPathComponent("nti") }
      .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    return try #require(found, "nti is not in the folder of the tests")
  }

  /// Runs the program to its end.
  static func run(
    _ arguments: [String], in folder: Scratch? = nil, program: URL? = nil, environment: [String: String] = [:]
  ) async throws -> Outcome {
    let run = try Run(arguments, in: folder, program: program, environment: environment)
    return try await run.outcome()
  }

  /// A running program.
  final class Run {
    let process = Process()
    private let logs: Scratch
    /// The working folder; stored here because it is deleted with its last reference.
    private let folder: Scratch?
    private let ended: AsyncStream<Void>

    init(
      _ arguments: [String], in folder: Scratch? = nil, program: URL? = nil,
      environment: [String: String] = [:],
      errors: FileHandle? = nil
    ) throws {
      logs = try Scratch()
      self.folder = folder
      process.executableURL = try program ?? Program.url()
      process.arguments = arguments
      process.currentDirectoryURL = folder?.url
      process.environment = ProcessInfo.processInfo.environment.merging(["COLUMNS": "80"]) { $1 }
        .merging(environment) { $1 }
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = try logs.newFile("output")
      process.standardError = try errors ?? logs.newFile("errors")
      let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
      ended = stream
      process.terminationHandler = { _ in continuation.finish() }
      try process.run()
    }

    /// Sends a signal when standard error contains a text, and waits for the end of the run.
    ///
    /// Uses its own thread, because tasks share few threads, which other tests may occupy for longer than the run takes.
    func stopped(by signal: Int32, after text: String) async throws -> Outcome {
      let (identifier, log) = (process.processIdentifier, logs("errors"))
      Thread.detachNewThread {
        while kill(identifier, 0) == 0 {
          let written = (try? Data(contentsOf: log)) ?? Data()
          if String(decoding: written, as: UTF8.self).contains(text) {
            kill(identifier, signal)
            return
          }
          usleep(2000)
        }
      }
      return try await outcome()
    }

    /// Waits for the end of the run.
    func outcome() async throws -> Outcome {
      for await _ in ended {}
      defer { withExtendedLifetime(folder) {} }
      return Outcome(
        status: process.terminationReason == .exit
          ? process.terminationStatus : 128 + process.terminationStatus,
        output: try logs.text("output"), errors: (try? logs.text("errors")) ?? "")
    }
  }
}

/// A temporary folder that is deleted with its last reference.
final class Scratch: Sendable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("nti-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Returns the URL of a file in the folder.
  func callAsFunction(_ name: String) -> URL { url.appendingPathComponent(name) }

  func path(_ name: String) -> String { self(name).path }

  func newFile(_ name: String) throws -> FileHandle {
    try Data().write(to: self(name))
    return try FileHandle(forWritingTo: self(name))
  }

  func text(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: self(name)), as: UTF8.self)
  }

  /// The sorted names of the files in the folder.
  var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
  }
}
