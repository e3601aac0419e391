internal import CTensorKernels

// The activation functions of diffusion models and their text encoders.
extension Variable {
  /// Returns x / (1 + exp(-x)) elementwise (SiLU, also called swish).
  public func silu() -> Variable { mapped(ctk_silu, vectorJacobianProduct: ctk_silu_vjp) }

  /// Returns max(x, 0) elementwise (ReLU).
  public func relu() -> Variable { mapped(ctk_relu, vectorJacobianProduct: ctk_relu_vjp) }

  /// Returns x (1 + erf(x / √2)) / 2 elementwise (exact GELU).
  public func gelu() -> Variable { mapped(ctk_gelu, vectorJacobianProduct: ctk_gelu_vjp) }

  /// Returns x / (1 + exp(-1.702 x)) elementwise, the approximate GELU of the first CLIP models.
  public func quickGELU() -> Variable { mapped(ctk_quick_gelu, vectorJacobianProduct: ctk_quick_gelu_vjp) }

  private func mapped(_ kernel: UnaryKernel, vectorJacobianProduct: @escaping BinaryKernel) -> Variable {
    let x = value
    return Profile.measure(
      .pass(.activation, reading: x.count, writing: shape, isTracked: isTracked)
    ) {
      .recorded(x.mapped(kernel), from: [self]) { upstream in
        [x.mapped(with: upstream, vectorJacobianProduct)]
      }
    }
  }
}
