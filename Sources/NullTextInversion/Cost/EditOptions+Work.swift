internal import DiffusionCore

extension EditOptions {
  /// What a first edit asks of the networks.
  ///
  /// - Parameters:
  ///   - latent: the size of the latent.
  ///   - inversion: how the picture was inverted.
  /// - Throws: `InputError` if the prompts do not fit the options.
  package func work(
    in scene: EditScene, latent: (height: Int, width: Int),
    of inversion: InversionOptions = InversionOptions()
  ) throws -> NetworkWork {
    let plan = try EditPlan(scene, self, rule: inversion.stepRule, latent: latent)
    let steps = [plan].steps(guidance: guidance ?? inversion.guidance, knowing: SourceKnowledge())
    return NetworkWork(evaluations: steps.map(\.evaluations).reduce(EvaluationCount(), +), decodings: 1)
  }
}
