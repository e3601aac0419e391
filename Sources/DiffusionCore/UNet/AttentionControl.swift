public import Tensor

/// An attention layer of a UNet and its position.
public struct AttentionSite: Sendable, Hashable {
  /// The part of the network.
  public enum Place: String, Sendable, Codable { case down, mid, up }

  /// The index in the order of an evaluation, with self- and cross-attentions counted together.
  public let index: Int
  /// The part of the network that contains the attention.
  public let place: Place
  /// Whether it is cross-attention to the text; otherwise it is self-attention.
  public let isCross: Bool
  /// The rows of the query grid.
  public let height: Int
  /// The columns of the query grid.
  public let width: Int
  /// The rows of the query grid at the model's own latent size, which do not depend on the size of the picture.
  public let nominalHeight: Int
  /// The columns of the query grid at the model's own latent size.
  public let nominalWidth: Int
  /// The number of heads.
  public let heads: Int

  /// - Parameters:
  ///   - index: The index in the order of an evaluation.
  ///   - place: The part of the network that contains the attention.
  ///   - isCross: Whether it is cross-attention to the text.
  ///   - height: The rows of the query grid.
  ///   - width: The columns of the query grid.
  ///   - heads: The number of heads.
  ///   - nominal: The grid at the model's own size; nil if it is the same.
  init(
    index: Int, place: Place, isCross: Bool, height: Int, width: Int, heads: Int,
    nominal: UNetLayout.Grid? = nil
  ) {
    self.index = index
    self.place = place
    self.isCross = isCross
    self.height = height
    self.width = width
    nominalHeight = nominal?.height ?? height
    nominalWidth = nominal?.width ?? width
    self.heads = heads
  }

  /// Returns whether the grid at the model's own size has at most `side` x `side` positions.
  package func isWithin(nominalSide side: Int) -> Bool { nominalHeight * nominalWidth <= side * side }
}

/// A hook at each attention of an evaluation that can read queries, keys and values, and replace the layer's output.
///
/// All editing uses it: prompt-to-prompt, the capture of attention maps, and the sharing of keys and values. A
/// control works on plain tensors and is not differentiable.
public protocol AttentionControl {
  /// Returns the output of the attention, or nil to let the layer compute it.
  ///
  /// - Parameters:
  ///   - site: The attention layer.
  ///   - attention: The attention of the layer, which computes probabilities and weighted values.
  ///   - query: Queries x channels, heads side by side; row-major over the grid of `site`.
  ///   - key: Keys x channels.
  ///   - value: Keys x channels.
  /// - Returns: Queries x channels.
  func attend(_ site: AttentionSite, _ attention: Attention, query: Tensor, key: Tensor, value: Tensor)
    -> Tensor?
}
