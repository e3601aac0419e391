@testable import DiffusionCore

extension AutoencoderConfiguration {
  /// Returns the network with the weights of a checkpoint's autoencoder.
  func network(_ weights: WeightScope) throws -> any Autoencoder {
    switch self {
    case .kl(let configuration): try AutoencoderKL(configuration, weights: weights)
    case .tiny(let configuration): try AutoencoderTiny(configuration, weights: weights)
    }
  }
}
