internal import DiffusionCore
internal import NullTextInversion

/// How long some work with a model will take.
struct BenchmarkEstimate: Encodable {
  /// The method of an inversion, or an edit.
  let work: String
  /// The number of sampling steps.
  let steps: Int
  /// The most evaluations that it takes.
  let evaluations: EvaluationCount
  /// What they take at the pace that was measured, the autoencoder included.
  let seconds: Double
}

extension BenchmarkNetwork {
  /// What inversions by each method, and a first edit, will take.
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

  /// An edit that replaces a word.
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
  /// The same with another number of steps.
  fileprivate func mostWork(steps: Int) -> NetworkWork {
    var options = self
    options.steps = steps
    return options.mostWork
  }
}
