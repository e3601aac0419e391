internal import DiffusionCore

/// The pace of the networks as a call shows it, in seconds.
struct MeasuredPace {
  /// The time of a picture encoded, and of a latent decoded, once they are known.
  var encoding: Double?
  var decoding: Double?
  private var forward = DecayingMean()
  private var backward = DecayingMean()

  /// Takes note of evaluations and the time that they took.
  mutating func learn(_ evaluations: EvaluationCount, in seconds: Double) {
    guard evaluations.forward > 0 else { return }
    if evaluations.backward == 0 {
      forward.add(seconds, evaluations.forward)
    } else {
      let rest = seconds - (forward.value ?? 0) * Double(evaluations.forward)
      backward.add(max(0, rest), evaluations.backward)
    }
  }

  /// Whether more than the first evaluation is known, which also pays for what is done once.
  var isSure: Bool { forward.count > 1 }

  /// What is to be expected of the rest; nil before there has been an evaluation.
  var network: NetworkPace? {
    guard let evaluation = forward.value else { return nil }
    var pace = NetworkPace(evaluation: evaluation)
    pace.backward = backward.value ?? pace.backward
    pace.encoding = encoding ?? evaluation
    // The first decoding also pays for what is done once: about half of it, where two evaluations say no more.
    pace.decoding = decoding.map { min($0, max($0 / 2, 2 * evaluation)) } ?? 2 * evaluation
    return pace
  }

  /// A mean in which the newest values count most.
  ///
  /// The first value also pays for what is done once; it counts until there is a second.
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
