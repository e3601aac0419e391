internal import CTensorKernels
internal import Foundation

/// The Adam optimiser (Kingma and Ba 2015, arXiv 1412.6980, algorithm 1) for one tensor of parameters.
///
/// The arithmetic is that of `torch.optim.Adam` without weight decay, single precision and order of operations
/// included, so that long optimisations stay together:
///
///     m := m + (1 - β1) (g - m)        v := β2 v + (1 - β2) g²
///     p := p - η / (1 - β1ᵏ) · m / (√v / √(1 - β2ᵏ) + ε)        in step k = 1, 2, …
public struct Adam: Sendable {
  /// η, which may be changed between steps.
  public var learningRate: Double

  /// β1, how much of the mean gradient is kept in a step.
  public let beta1: Double

  /// β2, how much of the mean squared gradient is kept in a step.
  public let beta2: Double

  /// ε, which keeps the quotient finite.
  public let epsilon: Double

  /// How many steps were made.
  public private(set) var stepCount = 0

  /// The running means of the gradient and of its square; nil before the first step.
  package private(set) var moments: (mean: Tensor, square: Tensor)?

  /// An optimiser that has made no step yet.
  public init(
    learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
  }

  /// An optimiser that goes on where another stood after `stepCount` steps.
  package init(learningRate: Double, stepCount: Int, moments: (mean: Tensor, square: Tensor)) {
    self.init(learningRate: learningRate)
    self.stepCount = stepCount
    self.moments = moments
  }

  /// Moves `parameters` against `gradient`, a tensor of the same shape in this and every later step.
  public mutating func step(_ parameters: inout Tensor, gradient: Tensor) {
    precondition(
      parameters.shape == gradient.shape, "\(parameters.shape) with a gradient of \(gradient.shape)")
    var (mean, square) = moments ?? (Tensor(zeros: gradient.shape), Tensor(zeros: gradient.shape))
    precondition(mean.shape == gradient.shape, "\(gradient.shape) after steps of \(mean.shape)")
    moments = nil
    stepCount += 1

    let step = Float(learningRate / (1 - pow(beta1, Double(stepCount))))
    let root = Float((1 - pow(beta2, Double(stepCount))).squareRoot())
    parameters.withMutableScalars { p in
      mean.withMutableScalars { m in
        square.withMutableScalars { v in
          Parallel.forEachRange(of: p.count, grain: Parallel.pieceLength) { piece in
            let at = piece.lowerBound
            ctk_adam_step(
              p.baseAddress.map { $0 + at }, m.baseAddress.map { $0 + at }, v.baseAddress.map { $0 + at },
              gradient.address(at), piece.count, Float(1 - beta1), Float(beta2), Float(1 - beta2), step, root,
              Float(epsilon))
          }
        }
      }
    }
    moments = (mean, square)
  }
}
