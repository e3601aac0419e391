internal import DiffusionCore

/// The pace of the networks as measured during a call, in seconds.
struct MeasuredPace {
  /// The durations of encoding an image and decoding a latent; nil before the first measurement.
  var encoding: Double?
  var decoding: Double?
  private var forward = DecayingMean()
  private var backward = DecayingMean()

  /// Adds evaluations and their total duration.
  mutating func learn(_ evaluations: EvaluationCount, in seconds: Double) {
    guard evaluations.forward > 0 else { return }
    if evaluations.backward == 0 {
      forward.add(seconds, evaluations.forward)
    } else {
      let rest = seconds - (forward.value ?? 0) * Double(evaluations.forward)
      backward.add(max(0, rest), evaluations.backward)
    }
  }

  /// Whether more than the first evaluation was measured; the first includes one-time costs.
  var isSure: Bool { forward.count > 1 }

  /// The expected pace of the remaining work; nil before the first evaluation.
  var network: NetworkPace? {
    guard let evaluation = forward.value else { return nil }
    var pace = NetworkPace(evaluation: evaluation)
    pace.backward = backward.value ?? pace.backward
    pace.encoding = encoding ?? evaluation
    // About half of the first decoding is one-time cost, unless two evaluations suggest more.
    pace.decoding = decoding.map { min($0, max($0 / 2, 2 * evaluation)) } ?? 2 * evaluation
    return pace
  }

  /// A mean with exponentially decreasing weights of older values.
  ///
  /// The first value includes one-time costs and is discarded when the second one arrives.
  private struct DecayingMean {
    private var sum = 0.0
    private var weight = 0.0
    private(set) var count = 0

    var value: Double? { weight > 0 ? sum / weight : nil }

    mutating func add(_ total: Double, _ number: Int) {
      count += 1
      let kept = count == 2 ? 0 : 0.9
      sum = kept * sum + total
      weight = kept * weight + Double(number)
    }
  }
}
