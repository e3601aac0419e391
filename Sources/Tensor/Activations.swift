internal import CTensorKernels

/// The smooth activations that diffusion models use.
public enum Activation: Sendable, Hashable, CaseIterable {
  /// x / (1 + exp(-x)), also called swish.
  case silu

  /// x (1 + erf(x / √2)) / 2, the exact form.
  case gelu

  /// x / (1 + exp(-1.702 x)), the approximation of the first CLIP models.
  case quickGELU
}

extension Variable {
  /// x / (1 + exp(-x)) of each number.
  public func silu() -> Variable { mapped(ctk_silu, vectorJacobianProduct: ctk_silu_vjp) }

  /// x (1 + erf(x / √2)) / 2 of each number.
  public func gelu() -> Variable { mapped(ctk_gelu, vectorJacobianProduct: ctk_gelu_vjp) }

  /// x / (1 + exp(-1.702 x)) of each number.
  public func quickGELU() -> Variable { mapped(ctk_quick_gelu, vectorJacobianProduct: ctk_quick_gelu_vjp) }

  /// The activation of each number.
  public func applying(_ activation: Activation) -> Variable {
    switch activation {
    case .silu: silu()
    case .gelu: gelu()
    case .quickGELU: quickGELU()
    }
  }

  private func mapped(_ kernel: UnaryKernel, vectorJacobianProduct: @escaping BinaryKernel) -> Variable {
    let x = value
    return .recorded(x.mapped(kernel), from: [self]) { upstream in
      [x.mapped(with: upstream, vectorJacobianProduct)]
    }
  }
}
