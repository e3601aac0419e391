internal import CTensorKernels
internal import Foundation

/// The Adam optimizer (Kingma and Ba 2015, arXiv 1412.6980, algorithm 1) for one tensor of parameters.
///
/// The arithmetic equals that of `torch.optim.Adam` without weight decay, including single precision and the order of
/// operations, so that the results stay close to PyTorch's over many steps:
///
///     m := m + (1 - β1) (g - m)        v := β2 v + (1 - β2) g²
///     p := p - η / (1 - β1ᵏ) · m / (√v / √(1 - β2ᵏ) + ε)        in step k = 1, 2, …
public struct Adam: Sendable {
  /// The learning rate η; it may change between steps.
  public var learningRate: Double

  /// The decay rate β1 of the running mean of the gradient.
  public let beta1: Double

  /// The decay rate β2 of the running mean of the squared gradient.
  public let beta2: Double

  /// The constant ε, which keeps the quotient finite.
  public let epsilon: Double

  /// The number of steps taken.
  public private(set) var stepCount = 0

  /// The running means of the gradient and of its square; nil before the first step.
  package private(set) var moments: (mean: Tensor, square: Tensor)?

  /// Creates an optimizer that has taken no steps.
  public init(
    learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
  }

  /// Creates an optimizer that continues from the state after `stepCount` steps.
  package init(learningRate: Double, stepCount: Int, moments: (mean: Tensor, square: Tensor)) {
    self.init(learningRate: learningRate)
    self.stepCount = stepCount
    self.moments = moments
  }

  /// Updates `parameters` in place by one step; `gradient` has the same shape in every step.
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
