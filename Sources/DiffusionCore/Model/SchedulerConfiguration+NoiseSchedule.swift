extension NoiseSchedule {
  /// Creates the noise levels that a checkpoint was trained with.
  ///
  /// - Parameter configuration: A validated configuration.
  public init(_ configuration: SchedulerConfiguration) {
    var betas =
      configuration.trainedBetas.map { $0.map(Float.init) }
      ?? Self.betas(
        from: configuration.betaStart, to: configuration.betaEnd, count: configuration.trainingSteps,
        scaled: configuration.betaSchedule == "scaled_linear")
    if configuration.rescalesToZeroSignal { betas = Self.betasWithoutTerminalSignal(betas) }
    self.init(
      alphasCumulative: Self.alphasCumulative(betas: betas), stepsOffset: configuration.stepsOffset,
      finalAlpha: configuration.setsAlphaToOne ? .one : .first,
      prediction: configuration.predictionType == "v_prediction" ? .velocity : .epsilon,
      spacing: configuration.timestepSpacing.flatMap(TimestepSpacing.init(rawValue:)))
  }

  /// Returns betas whose signal levels √ᾱ are shifted to end at zero and scaled to keep the first level.
  ///
  /// Lin et al. 2024, "Common diffusion noise schedules and sample steps are flawed", algorithm 1.
  static func betasWithoutTerminalSignal(_ betas: [Float]) -> [Float] {
    let levels = alphasCumulative(betas: betas).map { $0.squareRoot() }
    guard let first = levels.first, let last = levels.last, first > last else { return betas }
    let scale = first / (first - last)
    let products = levels.map { level -> Float in
      let shifted = (level - last) * scale
      return shifted * shifted
    }
    return products.indices.map { $0 == 0 ? 1 - products[0] : 1 - products[$0] / products[$0 - 1] }
  }
}
