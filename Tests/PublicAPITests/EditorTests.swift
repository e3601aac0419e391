import Foundation
import NullTextInversion
import TestSupport
import Testing

@Suite("Editors") struct EditorTests {
  @Test("two editors at once give the bytes that each gives alone")
  func twoAtOnce() async throws {
    let alone = try await SmallEditor.inverted().inversion
    let aloneEdit = try await SmallEditor.inverted().edit(prompt: "a dog on the mat")
    let results = try await withThrowingTaskGroup(of: (Inversion, EditedImage).self) { group in
      for _ in 0..<4 {
        group.addTask {
          let inverted = try await SmallEditor.inverted()
          return (inverted.inversion, try await inverted.edit(prompt: "a dog on the mat"))
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(results.count == 4)
    for (inversion, edit) in results {
      #expect(inversion == alone && edit.image == aloneEdit.image)
      #expect(edit.evaluations == aloneEdit.evaluations)
    }
  }

  @Test("calls of one editor run one at a time and count only their own evaluations")
  func oneAfterTheOther() async throws {
    let inverted = try await SmallEditor.inverted(memory: MemoryLimits(sourceAttention: 0))
    let alone = try await inverted.edit(prompt: "a dog on the mat")
    let edits = try await withThrowingTaskGroup(of: EditedImage.self) { group in
      for _ in 0..<6 { group.addTask { try await inverted.edit(prompt: "a dog on the mat") } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    for edit in edits { #expect(edit.image == alone.image && edit.evaluations == alone.evaluations) }
  }

  @Test("an editor without a source cache evaluates the source again and gives the same results")
  func memory() async throws {
    let (remembering, forgetting) = (
      try await SmallEditor.inverted(),
      try await SmallEditor.inverted(memory: MemoryLimits(sourceAttention: 0))
    )
    for inverted in [remembering, forgetting] {
      _ = try await inverted.edit(prompt: "a dog on the mat")
    }
    let (known, asked) = (
      try await remembering.edit(prompt: "a dog on the mat"),
      try await forgetting.edit(prompt: "a dog on the mat")
    )
    #expect(known.image == asked.image)
    #expect(known.evaluations.forward == 8 && asked.evaluations.forward > 8)
  }

  @Test("a photo's aspect ratio is kept if requested, and an edit is pasted at the photo's size")
  func framing() async throws {
    var options = SmallEditor.options
    options.framing = .auto
    let inverted = try await SmallEditor.editor().invert(
      image: SmallEditor.picture, caption: SmallEditor.caption, options: options)
    let size = try #require(inverted.inversion.pictureSize)
    #expect(size.width > size.height)
    let edit = try await inverted.edit(prompt: "a dog on the mat")
    #expect(edit.image.width == size.width && edit.image.height == size.height)
    let pasted = try await edit.pasted(into: SmallEditor.picture)
    #expect(pasted.width == 40 && pasted.height == 32)
  }

  @Test("results with less memory are equal up to rounding")
  func lessMemory() async throws {
    var options = InversionOptions()
    options.steps = 4
    options.nullText?.innerSteps = 2
    func edited(_ memory: MemoryLimits) async throws -> (inversion: Inversion, image: RGBImage) {
      let inverted = try await SmallEditor.editor(memory: memory).invert(
        image: SmallEditor.picture, caption: SmallEditor.caption, options: options)
      let edited = try await inverted.edit(prompt: "a dog on the mat")
      return (inverted.inversion, edited.image)
    }
    let more = try await edited(MemoryLimits())
    let less = try await edited(
      MemoryLimits(
        sourceAttention: 0, freeBuffers: 0,
        model: ModelOptions(keptParts: [], recomputesActivations: true, decodingBandByteCount: 1)))
    #expect(less.inversion.innerSteps == more.inversion.innerSteps)
    for (a, b) in zip(less.inversion.trajectory, more.inversion.trajectory) {
      for (a, b) in zip(a.scalars, b.scalars) { #expect(abs(a - b) < 1e-3) }
    }
    for (a, b) in zip(less.image.bytes, more.image.bytes) { #expect(abs(Int(a) - Int(b)) <= 1) }
  }

  @Test("a cancelled task does not read a model")
  func loading() async throws {
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try DiffusionModel(.directory(Fixtures.url("models/sharded")))
    }
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test("a cancelled task leaves the autoencoder", arguments: [true, false])
  func autoencoder(encodes: Bool) async throws {
    let model = try DiffusionModel(.directory(Fixtures.url("models/sharded")))
    let picture = try model.prepare(SmallEditor.picture).image
    let latent = try model.encode(picture)
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      if encodes { _ = try model.encode(picture) } else { _ = try model.decode(latent) }
    }
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test("an unfinished inversion is saved in its own file, separate from the result")
  func files() async throws {
    let folder = try ScratchFolder()
    let editor = try await SmallEditor.editor()
    let (result, partial) = (folder("a.nti"), folder("work.tmp"))
    func invert(_ files: InversionFiles?, steps: Int = 4, cancelAt: Int? = nil) async throws -> InvertedImage
    {
      var options = InversionOptions(method: .negativePrompt())
      options.steps = steps
      let chosen = options
      return try await Task {
        try await editor.invert(
          image: SmallEditor.picture, caption: SmallEditor.caption, options: chosen, files: files
        ) { if $0.phase == .optimization, $0.step == cancelAt { withUnsafeCurrentTask { $0?.cancel() } } }
      }.value
    }
    let whole = try await invert(nil)
    #expect(try folder.names.isEmpty)

    let onlyPartial = InversionFiles(result: nil, partial: partial)
    await #expect(throws: CancellationError.self) { try await invert(onlyPartial, cancelAt: 2) }
    #expect(try folder.names == ["work.tmp"])
    let continued = try await invert(onlyPartial)
    #expect(continued.inversion == whole.inversion)
    #expect(try folder.names.isEmpty)
    #expect(continued.evaluations.forward < whole.evaluations.forward)

    let onlyResult = InversionFiles(result: result, partial: nil)
    await #expect(throws: CancellationError.self) { try await invert(onlyResult, cancelAt: 2) }
    #expect(try folder.names.isEmpty)
    _ = try await invert(onlyResult)
    #expect(try folder.names == ["a.nti"])
    #expect(try Inversion(contentsOf: result) == whole.inversion)

    // A finished inversion is reused only if requested, and only with the same arguments.
    #expect(try await invert(InversionFiles(result: result)).evaluations.forward > 0)
    let taken = try await invert(InversionFiles(result: result, reusesResult: true))
    #expect(taken.evaluations.forward == 0 && taken.inversion == whole.inversion)
    let other = try await invert(InversionFiles(result: result, reusesResult: true), steps: 3)
    #expect(other.evaluations.forward > 0 && other.inversion.stepCount == 3)
  }
}
