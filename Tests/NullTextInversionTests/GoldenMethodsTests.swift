import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

/// Results of published editing methods in PyTorch (`Tools/golden/methods.py`).
private struct GoldenMethods {
  /// The settings of a case, as stored in the metadata.
  struct Settings: Decodable {
    var steps: Int?
    var most: Int?
    var tolerance: Double?
    var start: Double?
    var length: Double?
    var share: Double?
    var guidance: Double?
    var source_guidance: Double?
    var seed: UInt64?
    var random: Bool?
    var window: [Double]?
    var edit: GoldenEdit?
  }

  let base: GoldenInversion
  let file: SafetensorsFile

  init(_ model: String, _ family: String) throws {
    base = try GoldenInversion(model)
    file = try SafetensorsFile(contentsOf: Fixtures.url("golden/methods-\(model)-\(family).safetensors"))
  }

  func settings(_ title: String) throws -> Settings {
    let json = try #require(file.metadata[title])
    return try JSONDecoder().decode(Settings.self, from: Data(json.utf8))
  }

  func latents(_ title: String) throws -> [Tensor] {
    let stacked = try file.tensor(named: "\(title).latents")
    return (0..<stacked.shape[0]).map { stacked[$0].channelsLast() }
  }

  /// Returns the inversion of the golden file with other options, pivots (from the image up) and trajectory.
  func inversion(_ options: InversionOptions, pivots: [Tensor]? = nil, trajectory: [Tensor]? = nil) throws
    -> Inversion
  {
    var inversion = try base.inversion()
    let pivots = pivots ?? inversion.pivots
    inversion.options = options
    inversion.options.steps = pivots.count - 1
    inversion.schedule = try ScheduleRecord(inversion.options, of: base.model.schedule)
    inversion.pivots = pivots
    inversion.trajectory = trajectory ?? pivots.reversed()
    if inversion.nullEmbeddings.count != inversion.stepCount || options.method == .direct {
      let empty = try base.model.embedding(of: "")
      inversion.nullEmbeddings = Array(repeating: empty, count: inversion.stepCount)
    }
    return inversion
  }

  /// Returns the pivots for some options and their number of forward evaluations.
  func pivots(_ options: InversionOptions) throws -> (pivots: [Tensor], forward: Int) {
    let (model, unet) = (base.model, base.unet)
    let inversion = try inversion(
      options, pivots: Array(repeating: base.inversion().latent, count: options.steps + 1))
    var pivots = [inversion.latent]
    let before = model.counter.total
    try PivotTrajectory(
      predictor: NoisePredictor(unet: unet), sampler: inversion.sampler(model.schedule),
      caption: unet.context(model.embedding(of: base.caption)), empty: unet.context(model.embedding(of: "")),
      options: options
    ).complete(&pivots) { _ in }
    return (pivots, model.counter.total.forward - before.forward)
  }

  /// Returns the latents of a case's edit of an inversion with a step rule.
  func edit(
    _ title: String, of inversion: Inversion,
    _ change: (inout EditOptions, Settings) throws -> Void = { _, _ in }
  )
    throws -> [Tensor]
  {
    let settings = try settings(title)
    let edit = try #require(settings.edit)
    var options = try edit.options()
    options.guidance = settings.guidance
    try change(&options, settings)
    let source = SourceBranch(inversion, byteLimit: 0)
    return try EditSampler(model: base.model, source: source).sample([edit.prompt], options: options)[0]
      .latents
  }
}

@Suite("Published methods") struct GoldenMethodsTests {
  private static let models = ["four-levels", "linear-v"]

  /// Rounding alone causes 1.8e-5; the nearest wrong implementation is at 1.7e-3.
  private func check(_ own: [Tensor], _ expected: [Tensor], _ title: String) {
    #expect(own.count == expected.count, "\(title)")
    for (index, pair) in zip(own, expected).enumerated() {
      expectClose(pair.0, pair.1, relative: 2e-4, "\(title), latent \(index)")
    }
  }

  @Test("pivots are refined to fixed points as in PyTorch", arguments: models)
  func fixedPoints(model: String) throws {
    let golden = try GoldenMethods(model, "pivots")
    for title in ["fixed-point", "fixed-point-capped"] {
      let settings = try golden.settings(title)
      var options = InversionOptions(method: .direct)
      options.steps = try #require(settings.steps)
      options.pivotRefinements = try #require(settings.most)
      options.pivotTolerance = settings.tolerance
      let (pivots, forward) = try golden.pivots(options)
      let iterations = try golden.file.tensor(named: "\(title).iterations").scalars.map { Int($0) }
      #expect(forward == options.steps + iterations.reduce(0, +), "\(title)")
      if title == "fixed-point" {
        check(pivots, try golden.latents(title), title)
      } else {
        let last = try golden.file.tensor(named: "\(title).latent").channelsLast()
        expectClose(pivots[options.steps], last, relative: 2e-4, "\(title)")
      }
    }
  }

  @Test("pivots are mixed, guided or drawn from noise as in PyTorch", arguments: models)
  func pivots(model: String) throws {
    let golden = try GoldenMethods(model, "pivots")
    for title in ["averaged", "averaged-uneven", "guided", "guided-uneven", "independent"] {
      let settings = try golden.settings(title)
      var options = InversionOptions(method: .direct)
      options.steps = try #require(settings.steps)
      if let start = settings.start, let length = settings.length, let share = settings.share {
        options.easyInv = EasyInv(start: start, length: length, share: share)
      }
      options.pivotGuidance = settings.guidance ?? 1
      if let seed = settings.seed { options.pivots = .independentNoise(seed: seed) }
      let pivots = try golden.pivots(options).pivots
      if title.hasSuffix("uneven") {
        let last = try golden.file.tensor(named: "\(title).latent").channelsLast()
        expectClose(pivots[options.steps], last, relative: 2e-4, "\(title)")
      } else {
        check(pivots, try golden.latents(title), title)
      }
    }
  }

  @Test("a source with its own guidance scale is edited (SimInversion)", arguments: models)
  func simInversion(model: String) throws {
    let golden = try GoldenMethods(model, "replay")
    let guided = try GoldenMethods(model, "pivots").latents("guided")
    let expected = try golden.latents("guided-source")
    var options = InversionOptions(method: .ddim)
    options.guidance = try #require(golden.settings("guided-source").guidance)
    var inversion = try golden.inversion(options, pivots: guided)
    // The source's trajectory is a guided sampling from the last pivot.
    let unet = golden.base.unet
    let (null, text) = (
      unet.context(try golden.base.model.embedding(of: "")),
      unet.context(try golden.base.model.embedding(of: golden.base.caption))
    )
    var step = GuidedStep(
      unet, sampler: try inversion.sampler(golden.base.model.schedule), guidance: options.guidance)
    var walked = [guided[guided.count - 1]]
    for index in 0..<inversion.stepCount {
      walked.append(try step(index, from: walked[index], null: null, text: text))
    }
    check(walked, expected, "guided-source")
    inversion.trajectory = expected
    inversion.nullEmbeddings = Array(
      repeating: try golden.base.model.embedding(of: ""), count: inversion.stepCount)
    check(try golden.edit("guided", of: inversion), try golden.latents("guided"), "guided")
  }

  @Test(
    "the target's null embedding lies between the optimized one and that of the empty text",
    arguments: models)
  func targetNull(model: String) throws {
    let golden = try GoldenMethods(model, "replay")
    for title in ["null-whole", "null-half"] {
      let inversion = try golden.base.inversion()
      let own = try golden.edit(title, of: inversion) { options, settings in
        let window = try #require(settings.window)
        options.null = TargetNull(
          emptyShare: try #require(settings.share), window: try StepWindow(window[0], window[1]))
      }
      check(own, try golden.latents(title), title)
    }
  }

  @Test("edits by edit-friendly DDPM inversion equal PyTorch's", arguments: models)
  func editFriendly(model: String) throws {
    let golden = try GoldenMethods(model, "edit-friendly")
    let pivots = try GoldenMethods(model, "pivots").latents("independent")
    for title in ["unguided", "guided"] {
      var options = PublishedMethod.editFriendly.inversion
      options.pivots = .independentNoise(seed: try #require(golden.settings(title).seed))
      let inversion = try golden.inversion(options, pivots: pivots)
      let own = try golden.edit(title, of: inversion) {
        $0.stepRule = .difference(DifferenceRule(sourceGuidance: try #require($1.source_guidance)))
      }
      check(own, try golden.latents(title), title)
    }
  }

  @Test("edits by h-Edit, explicit and implicit, equal PyTorch's for both kinds of pivots", arguments: models)
  func hEdit(model: String) throws {
    let golden = try GoldenMethods(model, "h-edit")
    let independent = try GoldenMethods(model, "pivots").latents("independent")
    for title in ["d-explicit", "d-implicit", "d-blend", "r-explicit", "r-implicit"] {
      let isRandom = try golden.settings(title).random == true
      var options = PublishedMethod.hEditD.inversion
      if isRandom { options.pivots = .independentNoise(seed: try #require(golden.settings(title).seed)) }
      let inversion = try golden.inversion(options, pivots: isRandom ? independent : nil)
      let own = try golden.edit(title, of: inversion) {
        let guidance = try #require($1.source_guidance)
        $0.stepRule = .hEdit(HEdit(sourceGuidance: guidance, isImplicit: !title.hasSuffix("explicit")))
      }
      check(own, try golden.latents(title), title)
    }
  }

  @Test("edits by InfEdit equal PyTorch's", arguments: models)
  func infEdit(model: String) throws {
    let golden = try GoldenMethods(model, "infedit")
    for title in ["four", "six", "six-blend"] {
      let settings = try golden.settings(title)
      var options = PublishedMethod.infEdit.inversion
      options.steps = try #require(settings.steps)
      options.pivots = .independentNoise(seed: try #require(settings.seed))
      let inversion = try golden.inversion(options, pivots: golden.pivots(options).pivots)
      let timesteps = try golden.file.tensor(named: "\(title).timesteps").scalars.map { Int($0) }
      #expect(try inversion.sampler(golden.base.model.schedule).timesteps == timesteps)
      check(try golden.edit(title, of: inversion), try golden.latents(title), title)
    }
  }
}
