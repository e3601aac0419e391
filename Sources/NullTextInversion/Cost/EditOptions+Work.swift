internal import DiffusionCore

extension EditOptions {
  /// Returns the network work of the first edit of an inverted image.
  ///
  /// - Parameters:
  ///   - scene: The prompts, steps and attention sites of the edit.
  ///   - latent: The size of the latent.
  ///   - inversion: The options of the inversion.
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
