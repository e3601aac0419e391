import DiffusionCore
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Work of inversions and edits") struct WorkTests {
  static let methods: [InversionMethod] = [
    .nullText(NullText(innerSteps: 3, earlyStop: 0)),
    .nullText(NullText(innerSteps: 3, earlyStop: 0, optimizer: .conjugateDirections, start: .caption)),
    .nullText(
      NullText(
        innerSteps: 3, earlyStop: 0, optimizer: .gaussNewton, start: .halfway, regularization: 1e-4,
        finalSteps: 1)),
    .nullText(NullText(innerSteps: 0, optimizer: .gaussNewton)),
    .negativePrompt(), .negativePrompt(NegativePrompt(interpolation: 0.5)), .direct, .ddim,
    .globalNullText(GlobalNullText(sweeps: 2, earlyStop: 0)),
  ]

  /// An early stop of zero never stops.
  @Test("the predicted work of an inversion equals its evaluations", arguments: WorkTests.methods)
  func inversions(method: InversionMethod) throws {
    var small = try SmallInversion(steps: 3)
    small.options.method = method
    small.options.pivotRefinements = method == .direct ? 2 : 0
    let (inversion, evaluations) = try small.counting { try small.inversion() }
    let most = small.options.mostWork
    #expect(most.encodings == 1 && most.decodings == (method == .direct ? 1 : 2))
    func isFull(_ settings: NullText) -> Bool {
      inversion.innerSteps == (0..<3).map { settings.innerSteps(at: $0, of: 3) }
    }
    if case .nullText(let settings) = method, settings.optimizer != .adam, !isFull(settings) {
      // Exact steps also stop if a step increases the loss, or if nothing changes the landing.
      #expect(evaluations.forward <= most.evaluations.forward)
      #expect(evaluations.backward <= most.evaluations.backward)
      #expect(evaluations.stem == most.evaluations.stem)
    } else {
      #expect(evaluations == most.evaluations)
    }
  }

  @Test("the published method takes at most 3T + 10T forward and 10T backward evaluations") func published() {
    let most = InversionOptions().mostWork.evaluations
    #expect(most == EvaluationCount(forward: 150 + 500, backward: 500, stem: 100))
    #expect(
      InversionOptions.fast.mostWork.evaluations
        == EvaluationCount(forward: 48 + 2 * 16 + 40, backward: 40, stem: 32))
    var random = InversionOptions(method: .ddim)
    random.pivots = .random(seed: 1)
    #expect(random.mostWork.evaluations == EvaluationCount(forward: 100, stem: 50))
  }

  static let editOptions: [EditOptions] = [
    EditOptions(), EditOptions(control: .none), EditOptions(control: .masaCtrl()),
    EditOptions(control: .sdEdit(SDEdit(strength: 0.5))), blended,
  ]

  static var blended: EditOptions {
    var options = EditOptions(control: .none)
    options.blend = LocalBlend("cat", "dog")
    return options
  }

  @Test("the predicted work of a first edit equals its evaluations", arguments: WorkTests.editOptions)
  func edits(options: EditOptions) throws {
    let small = try SmallInversion("four-levels", steps: 4)
    let inversion = try small.inversion()
    let source = SourceBranch(inversion, byteLimit: 0)
    let prompt = "a dog on the mat"
    let (_, evaluations) = try small.counting {
      try EditSampler(model: small.model, source: source).sample([prompt], options: options)
    }
    let (height, width, _) = inversion.latent.shape3
    let words = { PromptWords(try small.model.tokenizer.encode($0)) }
    let scene = EditScene(
      source: try words(small.caption), target: try words(prompt), stepCount: 4,
      textLength: small.model.configuration.textEncoder.positionCount,
      sites: small.model.configuration.unet.attentionSites(height: height, width: width))
    let work = try options.work(in: scene, latent: (height, width))
    #expect(work.evaluations == evaluations)
    #expect(work.encodings == 0 && work.decodings == 1)
  }

  @Test("the duration is the sum of its parts' durations") func seconds() {
    let work = NetworkWork(
      evaluations: EvaluationCount(forward: 5, backward: 3, stem: 2), encodings: 1, decodings: 2)
    let pace = NetworkPace(stem: 1, trunk: 10, backward: 100, encoding: 1000, decoding: 10000)
    #expect(work.seconds(at: pace) == 2 + 50 + 300 + 1000 + 20000)
    // An inner iteration is expected to take two and a half evaluations.
    let expected = NetworkPace(evaluation: 2)
    #expect(work.seconds(at: expected) == 5 * 2 + 3 * 3)
  }
}
