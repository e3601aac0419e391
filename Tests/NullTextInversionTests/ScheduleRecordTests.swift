import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Sampler of an inversion") struct ScheduleRecordTests {
  /// A checkpoint with trailing timesteps.
  private func trailing() throws -> CheckpointCopy {
    let copy = try CheckpointCopy(of: "sharded")
    try copy.set(["timestep_spacing": "trailing"], in: "scheduler/scheduler_config.json")
    return copy
  }

  /// Writes the inversion like an older version, without the sampler's name and spacing.
  private func writeWithoutSampler(_ inversion: UnfinishedInversion, to url: URL) throws {
    try inversion.write(to: url)
    let file = try SafetensorsFile(contentsOf: url)
    var writer = SafetensorsWriter()
    for name in file.names { writer.add(name, try file.tensor(named: name)) }
    for (key, value) in file.metadata where key != "sampler" && key != "timestep_spacing" {
      writer.metadata[key] = value
    }
    try writer.write(to: url)
  }

  @Test("an inversion uses the checkpoint's timestep spacing, stores it in its file and edits with it")
  func spacing() async throws {
    let copy = try trailing()
    let folder = try ScratchFolder()
    let editor = try await ImageEditor(model: .directory(copy.url))
    var options = InversionOptions(method: .direct)
    options.steps = 4
    let inverted = try await editor.invert(
      image: SmallInversion.picture, caption: "a cat", options: options,
      files: InversionFiles(result: folder("a.nti")))
    let record = inverted.inversion.schedule
    #expect(record.spacing == .trailing && record.sampler == .ddim)
    #expect(try inverted.inversion.sampler(editor.model.schedule).timesteps == [999, 749, 499, 249])
    let metadata = try SafetensorsFile(contentsOf: folder("a.nti")).metadata
    #expect(metadata["sampler"] == "ddim" && metadata["timestep_spacing"] == "trailing")
    #expect(try Inversion(contentsOf: folder("a.nti")) == inverted.inversion)

    // Without control and at guidance 1, an edit is plain sampling from the last pivot at the same timesteps.
    var edit = EditOptions(control: .none)
    edit.guidance = 1
    let edited = try await inverted.edit(prompt: "a dog", options: edit)
    let model = editor.model
    let unet = try model.unet
    let text = unet.context(try model.embedding(of: "a dog"))
    let sampler = try DDIM(model.schedule, stepCount: 4, spacing: .trailing)
    var latent = inverted.inversion.pivots[4]
    for (index, timestep) in sampler.timesteps.enumerated() {
      let prediction = unet(latent, timestep: timestep, context: text)
      latent = sampler.denoised(latent, prediction: prediction, step: index)
    }
    #expect(ImageMetrics.psnr(edited.image, try model.decode(latent)) > 50)
  }

  @Test("a file without sampler uses DDIM with leading timesteps, whatever the checkpoint's spacing")
  func older() async throws {
    let (leading, copy) = (try SmallInversion(steps: 3), try trailing())
    let folder = try ScratchFolder()
    let inversion = try leading.inversion()
    try writeWithoutSampler(UnfinishedInversion(inversion), to: folder("old.nti"))
    let read = try Inversion(contentsOf: folder("old.nti"))
    #expect(read == inversion && read.schedule.spacing == .leading)

    // The fingerprint does not depend on the spacing: the same weights are evaluated at the file's timesteps.
    let editor = try await ImageEditor(model: .directory(copy.url))
    let expected = try await ImageEditor(model: .directory(leading.model.checkpoint.url)).open(inversion)
    let opened = try editor.open(read)
    let edits = (
      try await opened.edit(prompt: "a dog on the mat"), try await expected.edit(prompt: "a dog on the mat")
    )
    #expect(edits.0.image == edits.1.image)
  }

  @Test("an unfinished file without sampler continues with leading timesteps and gives the same result")
  func olderUnfinished() async throws {
    struct Stop: Error {}
    let (leading, copy) = (try SmallInversion(steps: 3), try trailing())
    let folder = try ScratchFolder()
    let whole = try leading.inversion()
    var kept: UnfinishedInversion?
    do {
      _ = try leading.inversion {
        kept = $0
        if $0.inversion.nullEmbeddings.count == 1 { throw Stop() }
      }
    } catch is Stop {}
    let unfinished = try #require(kept)
    try writeWithoutSampler(unfinished, to: folder("a.nti.partial"))
    let editor = try await ImageEditor(model: .directory(copy.url))
    let resumed = try await editor.invert(
      image: SmallInversion.picture, caption: leading.caption, options: leading.options,
      files: InversionFiles(result: folder("a.nti")))
    #expect(resumed.inversion == whole)
  }

  @Test("an unknown sampler, or one that does not support inversions, is rejected")
  func refusal() throws {
    let folder = try ScratchFolder()
    let small = try SmallInversion(steps: 2)
    try small.inversion().write(to: folder("a.nti"))
    let file = try SafetensorsFile(contentsOf: folder("a.nti"))
    for (sampler, spacing) in [("euler", "leading"), ("ddim", "sideways")] {
      var writer = SafetensorsWriter()
      for name in file.names { writer.add(name, try file.tensor(named: name)) }
      writer.metadata = file.metadata
      writer.metadata["sampler"] = sampler
      writer.metadata["timestep_spacing"] = spacing
      try writer.write(to: folder("b.nti"))
      let error = #expect(throws: InputError.self) { try Inversion(contentsOf: folder("b.nti")) }
      #expect(error?.kind == .malformed)
    }
    var inversion = try small.inversion()
    inversion.schedule = ScheduleRecord(
      sampler: .dpmSolver, stepsOffset: 1, finalAlpha: .first, prediction: .epsilon)
    let error = #expect(throws: InputError.self) { try inversion.sampler(small.model.schedule) }
    #expect(error?.kind == .unsupported)
    inversion.schedule = ScheduleRecord(
      sampler: .lcm, stepsOffset: 1, finalAlpha: .first, prediction: .epsilon)
    let lcm = try inversion.sampler(small.model.schedule)
    #expect(throws: InputError.self) { try lcm.invertible }
  }
}
