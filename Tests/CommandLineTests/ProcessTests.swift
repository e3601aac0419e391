import Foundation
import NullTextInversion
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite("The process") struct ProcessTests {
  /// Starts a long run of the bundled model.
  private func start(in scratch: Scratch, errors: FileHandle? = nil) throws -> Program.Run {
    try RGBImage(width: 128, height: 128, filledWith: SIMD3(90, 140, 60)).write(to: scratch("photo.png"))
    return try Program.Run(
      ["invert", "photo.png", "--caption", "a cat on grass", "--steps", "100"], in: scratch,
      errors: errors)
  }

  @Test(
    "a signal ends the work with status 128 + signal, and the partial result is kept",
    arguments: [SIGINT, SIGTERM])
  func interruption(signal: Int32) async throws {
    let scratch = try Scratch()
    let outcome = try await start(in: scratch).stopped(by: signal, after: "fitting")
    #expect(outcome.status == 128 + signal)
    #expect(outcome.errors.contains("nti: interrupted; photo.png.nti.partial has "))
    #expect(outcome.errors.hasSuffix("Run the same command again to resume.\n"))
    #expect(outcome.output == "")
    #expect(try scratch.names == ["photo.png", "photo.png.nti.partial"])
  }

  @Test("a terminal shows the progress on one rewritten line") func liveProgress() async throws {
    let scratch = try Scratch()
    var (master, slave): (Int32, Int32) = (-1, -1)
    try #require(openpty(&master, &slave, nil, nil, nil) == 0)
    let run = try start(in: scratch, errors: FileHandle(fileDescriptor: slave, closeOnDealloc: true))
    let terminal = FileHandle(fileDescriptor: master, closeOnDealloc: true)
    var text = ""
    while !text.contains("2/100") {
      let data = terminal.availableData
      try #require(!data.isEmpty, "the program ended after \(text)")
      text += String(decoding: data, as: UTF8.self)
    }
    kill(run.process.processIdentifier, SIGINT)
    let outcome = try await run.outcome()
    #expect(outcome.status == 130)
    let lines = text.split(separator: "\r").map { $0.replacing("\u{1B}[K", with: "") }
    #expect(lines.contains { $0.contains("computing pivots") && $0.contains("2/100") })
    // The permanent lines are the hint at a quicker method and, on a slow machine, the forecast.
    let notes = lines.count { $0.contains(" evaluations ") }
    #expect(text.unicodeScalars.count { $0 == "\n" } == notes && notes <= 2)
  }

  @Test("a moved program finds the model in its own folder") func moved()
    async throws
  {
    let scratch = try Scratch()
    try FileManager.default.createDirectory(at: scratch("bin"), withIntermediateDirectories: true)
    let program = scratch("bin/nti")
    try FileManager.default.copyItem(at: Program.url(), to: program)
    let resources = "null-text-inversion_EmojiScenes.resources"
    let bundle = try Program.url().deletingLastPathComponent().appendingPathComponent(resources)
    try FileManager.default.copyItem(at: bundle, to: scratch("bin/\(resources)"))
    let beside = try await Program.run(["inspect", "emoji-scenes", "--json"], in: scratch, program: program)
      .json()
    let path = try #require(beside["path"] as? String)
    #expect(path.hasPrefix(scratch.url.resolvingSymlinksInPath().path))

    try FileManager.default.moveItem(
      at: scratch("bin/\(resources)/Resources"), to: scratch("bin/EmojiScenes"))
    let renamed = try await Program.run(["inspect", "emoji-scenes", "--json"], in: scratch, program: program)
      .json()
    #expect((renamed["path"] as? String)?.hasSuffix("bin/EmojiScenes") == true)
  }
}

@Suite("nti demo") struct DemoTests {
  #if DEBUG
    static let isOptimized = false
  #else
    static let isOptimized = true
  #endif

  @Test(
    "null-text inversion reconstructs the picture better than DDIM, and all pictures are written",
    .enabled(if: isOptimized, "takes minutes without optimization"))
  func demo() async throws {
    let scratch = try Scratch()
    let run = try await Program.run(["demo", "--json"], in: scratch)
    #expect(run.status == 0, "\(run.errors)")
    let report = try run.json()
    let psnr = try #require(report["psnr"] as? Double)
    #expect(psnr > (try #require(report["psnrBound"] as? Double)) - 0.5)
    #expect(psnr > (try #require(report["psnrDDIM"] as? Double)) + 3)
    let pictures = try #require(report["pictures"] as? [String])
    #expect(pictures.count == 7)
    for path in pictures { #expect(try RGBImage(contentsOf: scratch(path)).width == 128) }
    #expect(try RGBImage(contentsOf: scratch("nti-demo/contact-sheet.png")).width > 1000)
  }
}
