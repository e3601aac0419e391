package import DiffusionCore

/// What a call asks of the networks.
package struct NetworkWork: Sendable, Equatable, Codable {
  /// Evaluations of the UNet.
  package var evaluations = EvaluationCount()
  /// Pictures encoded.
  package var encodings = 0
  /// Latents decoded.
  package var decodings = 0

  /// Both together.
  package static func + (a: NetworkWork, b: NetworkWork) -> NetworkWork {
    NetworkWork(
      evaluations: a.evaluations + b.evaluations, encodings: a.encodings + b.encodings,
      decodings: a.decodings + b.decodings)
  }

  /// The time that it takes at a pace.
  package func seconds(at pace: NetworkPace) -> Double {
    Double(evaluations.stem) * pace.stem + Double(evaluations.forward) * pace.trunk
      + Double(evaluations.backward) * pace.backward + Double(encodings) * pace.encoding
      + Double(decodings) * pace.decoding
  }
}

/// How long the networks take on a machine, in seconds.
package struct NetworkPace: Sendable, Equatable {
  /// The part of an evaluation that does not read the text.
  package var stem: Double
  /// The rest of it.
  package var trunk: Double
  /// The way back to the text embedding, without the way there.
  package var backward: Double
  /// A picture encoded.
  package var encoding = 0.0
  /// A latent decoded.
  package var decoding = 0.0

  /// A pace that was measured part by part.
  package init(stem: Double, trunk: Double, backward: Double, encoding: Double = 0, decoding: Double = 0) {
    self.stem = stem
    self.trunk = trunk
    self.backward = backward
    self.encoding = encoding
    self.decoding = decoding
  }

  /// What is to be expected where only whole evaluations have been timed.
  package init(evaluation: Double) {
    self.init(stem: 0, trunk: evaluation, backward: (Self.iterationsPerEvaluation - 1) * evaluation)
  }

  /// About what an inner iteration, there and back, takes of an evaluation.
  static let iterationsPerEvaluation = 2.5
}
