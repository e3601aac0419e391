internal import DiffusionCore
internal import NullTextInversion

/// The estimated time of an inversion or an edit.
struct BenchmarkEstimate: Encodable {
  /// The name of an inversion method, or `edit`.
  let work: String
  /// The number of sampling steps.
  let steps: Int
  /// The maximum number of network evaluations.
  let evaluations: EvaluationCount
  /// The time of the evaluations and of the autoencoder at the measured pace.
  let seconds: Double
}

extension BenchmarkNetwork {
  /// Returns the estimates for an inversion by each method and for a first edit, with 20 and with 50 steps.
  func estimates(at pace: NetworkPace) throws -> [BenchmarkEstimate] {
    try [20, 50].flatMap { steps in
      var works = InversionMethod.Name.allCases.map { name in
        (name.optionName, InversionOptions(method: InversionMethod(name)).mostWork(steps: steps))
      }
      works.insert(("null-text --fast", InversionOptions.fast.mostWork(steps: steps)), at: 1)
      works.append(("edit", try EditOptions().work(in: scene(steps: steps), latent: latentSize)))
      return works.map { name, work in
        BenchmarkEstimate(
          work: name, steps: steps, evaluations: work.evaluations, seconds: work.seconds(at: pace))
      }
    }
  }

  private var latentSize: (height: Int, width: Int) { (latent.shape3.0, latent.shape3.1) }

  /// Returns the scene of an edit that replaces one word.
  private func scene(steps: Int) throws -> EditScene {
    let (height, width) = latentSize
    func words(_ text: String) throws -> PromptWords { PromptWords(try model.tokenizer.encode(text)) }
    return EditScene(
      source: try words("a photo of a cat"), target: try words("a photo of a dog"), stepCount: steps,
      textLength: model.configuration.textEncoder.positionCount,
      sites: model.configuration.unet.attentionSites(height: height, width: width))
  }
}

extension InversionOptions {
  /// Returns the maximum work of these options with another number of steps.
  fileprivate func mostWork(steps: Int) -> NetworkWork {
    var options = self
    options.steps = steps
    return options.mostWork
  }
}
