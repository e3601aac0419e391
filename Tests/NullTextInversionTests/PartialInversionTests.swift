import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Unfinished inversions") struct PartialInversionTests {
  static let ways: [Change<InversionOptions>] = [
    Change("as published") { _ in }, Change("testing first") { $0.nullText?.optimizer = .adamTestingFirst },
    Change("conjugate directions from the caption") {
      $0.nullText?.optimizer = .conjugateDirections
      $0.nullText?.start = .caption
    },
    Change("fast") { $0.method = .nullText(.fast) },
    Change("refined pivots") {
      $0.pivotRefinements = 1
      $0.nullText?.innerSteps = 1
    },
    Change("random pivots") { $0.pivots = .random(seed: 7) },
    Change("negative prompt") { $0.method = .negativePrompt() },
    Change("interpolated negative prompt") {
      $0.method = .negativePrompt(NegativePrompt(interpolation: 0.3))
    },
    Change("direct") { $0.method = .direct }, Change("ddim") { $0.method = .ddim },
    Change("global null text") {
      $0.method = .globalNullText(SmallInversion.globalNullText)
    },
  ]

  @Test(
    "an inversion that is stopped after any step and resumed gives the same bytes at the same cost",
    arguments: ways)
  func everyStep(way: Change<InversionOptions>) throws {
    var small = try SmallInversion(steps: 3)
    way.apply(&small.options)
    let folder = try ScratchFolder()
    let partial = PartialInversion(folder("a.nti.partial"))
    var kept: [(bytes: Data, at: EvaluationCount)] = []
    let (whole, all) = try small.counting {
      let before = small.model.counter.total
      return try small.inversion { inversion in
        try partial.keep(inversion)
        kept.append((try Data(contentsOf: partial.url), small.model.counter.total - before))
      }
    }
    #expect(kept.count >= 3)
    for (bytes, evaluations) in kept {
      try bytes.write(to: partial.url)
      let (resumed, left) = try small.counting {
        let begun = try #require(try partial.resume(small.begin()))
        return try small.inversion(from: begun, keep: partial.keep)
      }
      #expect(resumed.fileData() == whole.fileData())
      #expect(evaluations + left == all)
    }
    #expect(try folder.names == ["a.nti.partial"])
  }

  @Test("a failure to save a step ends the inversion, and the last saved state stays intact")
  func cannotKeep() throws {
    let small = try SmallInversion(steps: 2)
    let folder = try ScratchFolder()
    let partial = PartialInversion(folder("a.nti.partial"))
    var calls = 0
    let error = try inputError {
      try small.inversion { inversion in
        calls += 1
        // A name that is too long for any file system simulates a full disk.
        let url = calls < 3 ? partial.url : folder(String(repeating: "x", count: 300))
        try PartialInversion(url).keep(inversion)
      }
    }
    #expect(error?.kind == .unwritable && calls == 3)
    #expect(try folder.names == ["a.nti.partial"])
    #expect(try partial.resume(small.begin())?.inversion.pivots.count == 3)
  }

  @Test("without a saved state there is nothing to resume, and removing it is not an error")
  func nothing() throws {
    let folder = try ScratchFolder()
    let partial = PartialInversion(
      try #require(InversionFiles(result: folder("a.b.nti")).partial))
    #expect(partial.url.lastPathComponent == "a.b.nti.partial")
    #expect(try partial.resume(.made(made: 0)) == nil)
    partial.remove()
    try partial.keep(.made(made: 1))
    partial.remove()
    #expect(try folder.names.isEmpty)
  }
}

@Suite("Unfinished inversions: other arguments and damage") struct PartialInversionMismatchTests {
  static let otherThings: [Change<Inversion>] = [
    Change("caption") { $0.caption += "." }, Change("model") { $0.modelFingerprint = "fedcba9876543210" },
    Change("schedule") { $0.schedule = $0.schedule.with(stepsOffset: 0) },
    Change("schedule") { $0.schedule = $0.schedule.with(finalAlpha: .one) },
    Change("schedule") { $0.schedule = $0.schedule.with(prediction: .epsilon) },
    Change("schedule") { $0.schedule = $0.schedule.with(sampler: .dpmSolver) },
    Change("picture") { $0.pictureFingerprint = "0" }, Change("picture") { $0.crop.x += 1 },
    Change("picture") { $0.sourceSize.width += 1 },
  ]

  static let otherOptions: [Change<InversionOptions>] = [
    Change("method") { $0.method = .ddim }, Change("guidance") { $0.guidance = 7.4 },
    Change("inner steps") { $0.nullText?.innerSteps = 9 },
    Change("early stop") { $0.nullText?.earlyStop = 2e-5 },
    Change("optimizer") { $0.nullText?.optimizer = .adamTestingFirst },
    Change("start") { $0.nullText?.start = .caption },
    Change("regularization none instead of 0.5") { $0.nullText?.regularization = 0.5 },
    Change("final steps none instead of 2") { $0.nullText?.finalSteps = 2 },
    Change("random pivot seed") { $0.pivots = .inversion },
    Change("random pivot seed 18446744073709551615 instead of 1") { $0.pivots = .random(seed: 1) },
    Change("pivot refinements") { $0.pivotRefinements = 1 },
    Change("budget 0.1 instead of none") { $0.nullText?.budget = nil },
  ]

  static let otherSettings: [(InversionMethod, InversionMethod)] = [
    (.negativePrompt(), .negativePrompt(NegativePrompt(interpolation: 0.1))),
    (.globalNullText(), .globalNullText(GlobalNullText(sweeps: 9))),
    (.globalNullText(), .globalNullText(GlobalNullText(earlyStop: 2e-5))),
    (.globalNullText(), .globalNullText(GlobalNullText(start: .caption))),
  ]

  static let contradictions: [Change<Inversion>] = [
    Change("a short trajectory") { $0.trajectory.removeLast() },
    Change("a long trajectory") { $0.trajectory.append($0.trajectory[0]) },
    Change("no trajectory") { $0.trajectory = [] }, Change("too few pivots") { $0.pivots.removeLast() },
    Change("a trajectory with another start") { $0.trajectory[0] = $0.trajectory[1] },
    Change("no null embeddings") {
      $0.nullEmbeddings = []
      $0.losses = []
      $0.innerSteps = []
    },
  ]

  /// A saved step of an inversion, and a new inversion with the same arguments.
  private let kept: UnfinishedInversion
  private let begun: Inversion
  private let folder: ScratchFolder
  private var partial: PartialInversion { PartialInversion(folder("a.nti.partial")) }

  init() throws {
    kept = try .made(made: 1)
    begun = try .made(made: 0)
    folder = try ScratchFolder()
  }

  @Test("a state saved with the same arguments is resumed")
  func same() throws {
    try partial.keep(kept)
    #expect(try partial.resume(begun) == kept)
  }

  @Test(
    "another caption, model, schedule or image is rejected and named",
    arguments: otherThings)
  func mismatch(change: Change<Inversion>) throws {
    try expectMismatch(naming: change.testDescription) { change.apply(&$0) }
  }

  @Test(
    "any other option is rejected",
    arguments: otherOptions)
  func options(change: Change<InversionOptions>) throws {
    try expectMismatch(naming: change.testDescription) { change.apply(&$0.options) }
  }

  @Test("any other setting of another method is rejected", arguments: otherSettings)
  func settings(method: InversionMethod, other: InversionMethod) throws {
    var kept = kept
    kept.inversion.options.method = method
    try expectMismatch(naming: " instead of ", kept) { $0.options.method = other }
  }

  @Test("a state saved by an older version, without the spacing, is resumed")
  func otherSpacing() throws {
    try partial.keep(kept)
    var begun = begun
    begun.schedule = begun.schedule.with(spacing: .trailing)
    #expect(try partial.resume(begun) == kept)
  }

  @Test("another number of steps is rejected")
  func steps() throws {
    try partial.keep(kept)
    let error = try inputError { try partial.resume(.made(steps: 4, made: 0)) }
    #expect(error?.kind == .mismatch)
  }

  @Test(
    "a state with different rounding is rejected, because it could not give the same bytes")
  func otherRounding() throws {
    var other = kept
    other.inversion.pivots[0].withMutableScalars { $0[5] = $0[5].nextUp }
    try partial.keep(other)
    let error = try inputError { try partial.resume(begun) }
    #expect(error?.kind == .mismatch && error?.message.contains("processor") == true)
  }

  private func expectMismatch(
    naming word: String, _ kept: UnfinishedInversion? = nil, _ change: (inout Inversion) -> Void
  ) throws {
    let kept = kept ?? self.kept
    try partial.keep(kept)
    var begun = begun
    begun.options = kept.inversion.options
    change(&begun)
    let error = try inputError { try partial.resume(begun) }
    #expect(error?.kind == .mismatch)
    let message = error?.message ?? "no error"
    #expect(message.contains(word) && message.contains("Remove it to start again"), "\(message)")
    #expect(try InversionReader(partial.url).unfinished() == kept)
  }

  @Test(
    "a file with contradictory parts is rejected as damaged",
    arguments: contradictions)
  func damaged(change: Change<Inversion>) throws {
    var kept = kept
    change.apply(&kept.inversion)
    try partial.keep(kept)
    let error = try inputError { try partial.resume(begun) }
    #expect(error?.kind == .malformed)
    #expect(error?.message.contains("Remove it to start again") == true, "\(error?.message ?? "-")")
  }

  @Test("a truncated file, or one that is not an inversion, is rejected")
  func unreadable() throws {
    for bytes in [
      Data(), Data("x".utf8), kept.inversion.fileData().dropLast(1), kept.inversion.fileData().prefix(900),
    ] {
      try bytes.write(to: partial.url)
      #expect(try inputError { try partial.resume(begun) }?.kind == .malformed)
    }
    partial.remove()
    try FileManager.default.createDirectory(at: partial.url, withIntermediateDirectories: false)
    #expect(try inputError { try partial.resume(begun) }?.kind == .malformed)
  }
}

@Suite("Inversions with files") struct InvertingIntoFileTests {
  @Test(
    "a cancelled call that is repeated continues, writes the same file as an uninterrupted call, and leaves no other file"
  )
  func cancelledAndResumed() async throws {
    let small = try SmallInversion(steps: 3)
    let editor = try await ImageEditor(model: .directory(small.model.checkpoint.url))
    let folder = try ScratchFolder()
    @Sendable func invert(_ name: String, _ progress: ProgressHandler? = nil) async throws -> InvertedImage {
      try await editor.invert(
        image: SmallInversion.picture, caption: small.caption, options: small.options,
        files: InversionFiles(result: folder(name)), progress: progress)
    }
    let undisturbed = try await invert("whole.nti")
    let whole = try Data(contentsOf: folder("whole.nti"))
    #expect(undisturbed.inversion.fileData() == whole)

    let old = Data("what was there before".utf8)
    try old.write(to: folder("a.nti"))
    let stop = Cancellation()
    await #expect(throws: CancellationError.self) {
      try await stop.run {
        _ = try await invert("a.nti") {
          if $0.phase == .optimization, $0.step == 1, $0.innerStep == 0 { stop.cancel() }
        }
      }
    }
    #expect(try folder.names == ["a.nti", "a.nti.partial", "whole.nti"])
    #expect(try Data(contentsOf: folder("a.nti")) == old)

    let resumed = try await invert("a.nti")
    #expect(try Data(contentsOf: folder("a.nti")) == whole)
    #expect(resumed.evaluations.forward < undisturbed.evaluations.forward)
    #expect(try folder.names == ["a.nti", "whole.nti"])
  }

  @Test("other arguments are rejected before any evaluation, and the saved state is kept")
  func otherArguments() async throws {
    let small = try SmallInversion(steps: 2)
    let editor = try await ImageEditor(model: .directory(small.model.checkpoint.url))
    let folder = try ScratchFolder()
    let partial = PartialInversion(folder("a.nti.partial"))
    var begun = UnfinishedInversion(try small.begin())
    begun.inversion.pivots.append(begun.inversion.pivots[0])
    try partial.keep(begun)
    let bytes = try Data(contentsOf: partial.url)

    let before = editor.model.counter.total
    let error = await #expect(throws: InputError.self) {
      try await editor.invert(
        image: SmallInversion.picture, caption: "a dog on the mat", options: small.options,
        files: InversionFiles(result: folder("a.nti")))
    }
    #expect(error?.kind == .mismatch && error?.message.contains(small.caption) == true)
    #expect(editor.model.counter.total == before)
    #expect(try Data(contentsOf: partial.url) == bytes)
    #expect(try folder.names == ["a.nti.partial"])
  }

  @Test("a location that cannot be written is rejected before any evaluation")
  func unwritable() async throws {
    let small = try SmallInversion(steps: 2)
    let editor = try await ImageEditor(model: .directory(small.model.checkpoint.url))
    let folder = try ScratchFolder()
    for file in [folder("none/a.nti"), folder.url] {
      let error = await #expect(throws: InputError.self) {
        try await editor.invert(
          image: SmallInversion.picture, caption: small.caption, options: small.options,
          files: InversionFiles(result: file))
      }
      #expect(error?.kind == .unwritable)
    }
    #expect(editor.model.counter.total == EvaluationCount())
    #expect(try folder.names.isEmpty)
  }
}
