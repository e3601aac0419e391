package import DiffusionCore

/// The number of network operations of a call.
package struct NetworkWork: Sendable, Equatable, Codable {
  /// The evaluations of the UNet.
  package var evaluations = EvaluationCount()
  /// The number of encoded images.
  package var encodings = 0
  /// The number of decoded latents.
  package var decodings = 0

  /// Adds two amounts of work.
  package static func + (a: NetworkWork, b: NetworkWork) -> NetworkWork {
    NetworkWork(
      evaluations: a.evaluations + b.evaluations, encodings: a.encodings + b.encodings,
      decodings: a.decodings + b.decodings)
  }

  /// Returns the estimated seconds of the work at a pace.
  package func seconds(at pace: NetworkPace) -> Double {
    Double(evaluations.stem) * pace.stem + Double(evaluations.forward) * pace.trunk
      + Double(evaluations.backward) * pace.backward + Double(encodings) * pace.encoding
      + Double(decodings) * pace.decoding
  }
}

/// The durations of network operations on a machine, in seconds.
package struct NetworkPace: Sendable, Equatable {
  /// The part of an evaluation that does not depend on the text.
  package var stem: Double
  /// The rest of an evaluation.
  package var trunk: Double
  /// The backward pass to the text embedding, without the forward pass.
  package var backward: Double
  /// The encoding of one image.
  package var encoding = 0.0
  /// The decoding of one latent.
  package var decoding = 0.0

  /// Creates a pace from measured parts.
  package init(stem: Double, trunk: Double, backward: Double, encoding: Double = 0, decoding: Double = 0) {
    self.stem = stem
    self.trunk = trunk
    self.backward = backward
    self.encoding = encoding
    self.decoding = decoding
  }

  /// Creates an estimate from the duration of a whole evaluation.
  package init(evaluation: Double) {
    self.init(stem: 0, trunk: evaluation, backward: (Self.iterationsPerEvaluation - 1) * evaluation)
  }

  /// The approximate duration of an inner iteration, forward and backward, in units of an evaluation.
  static let iterationsPerEvaluation = 2.5
}
