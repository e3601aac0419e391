public import Tensor

/// One attention of a UNet, and where it stands.
public struct AttentionSite: Sendable, Hashable {
  /// The part of the network.
  public enum Place: String, Sendable, Codable { case down, mid, up }

  /// Position in the order in which an evaluation comes to its attentions, self and cross counted together.
  public let index: Int
  /// The part of the network it is in.
  public let place: Place
  /// Whether it reads the text; otherwise it reads the picture itself.
  public let isCross: Bool
  /// Rows of its grid of queries.
  public let height: Int
  /// Columns of its grid of queries.
  public let width: Int
  /// Rows of its grid for a latent of the model's own size, by which layers are named whatever the size of a picture.
  public let nominalHeight: Int
  /// Columns of its grid for a latent of the model's own size.
  public let nominalWidth: Int
  /// The number of heads.
  public let heads: Int

  /// - Parameter nominal: the grid at the model's own size; nil if that is the size.
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

  /// Whether the grid has at most `side` x `side` positions at the model's own size.
  package func isWithin(nominalSide side: Int) -> Bool { nominalHeight * nominalWidth <= side * side }
}

/// What a program may do at each attention of an evaluation: look at queries, keys and values, or answer in the
/// layer's stead.
///
/// This is the one seam of the core for editing: Prompt-to-Prompt, map capture and key-value sharing are all controls.
/// A control acts on plain tensors and is not differentiated through.
public protocol AttentionControl {
  /// The attention's output, or nil to leave it to the layer.
  ///
  /// - Parameters:
  ///   - attention: computes probabilities and mixes values the way the layer would.
  ///   - query: queries x channels, heads side by side; row-major over the grid of `site`.
  ///   - key: keys x channels.
  ///   - value: keys x channels.
  /// - Returns: queries x channels.
  func attend(_ site: AttentionSite, _ attention: Attention, query: Tensor, key: Tensor, value: Tensor)
    -> Tensor?
}
