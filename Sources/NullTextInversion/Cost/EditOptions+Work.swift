internal import DiffusionCore

extension EditOptions {
  /// What a first edit asks of the networks.
  ///
  /// - Throws: `InputError` if the prompts do not fit the options.
  package func work(in scene: EditScene) throws -> NetworkWork {
    let run = try control.policy.begin(scene)
    let first = min(max(0, run.firstStep), scene.stepCount)
    var count = EvaluationCount()
    for step in first..<scene.stepCount {
      func has(_ role: AttentionRole, in branch: GuidanceBranch) -> Bool {
        scene.sites.contains { run.role(at: $0, in: branch, step: step) == role }
      }
      /// The stem ends with the first self-attention.
      let controlsStem = scene.sites.first.map { site in
        [GuidanceBranch.conditional, .unconditional].contains {
          run.role(at: site, in: $0, step: step) != .untouched
        }
      }
      count = count + EvaluationCount(forward: 2, stem: controlsStem == true ? 2 : 1)
      let sources =
        (blend != nil || has(.readsSource, in: .conditional) ? 1 : 0)
        + (has(.readsSource, in: .unconditional) ? 1 : 0)
      count = count + EvaluationCount(forward: sources, stem: sources)
    }
    return NetworkWork(evaluations: count, decodings: 1)
  }
}
