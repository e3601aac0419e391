/// The grid of the attention maps that a local blend collects.
package struct LocalBlendGrid: Sendable, Hashable {
  /// The height of the maps.
  package let height: Int

  /// The width of the maps.
  package let width: Int

  /// The number of positions.
  package var count: Int { height * width }

  /// Creates a grid of the given size.
  package init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }

  /// Selects the grid for latents of a given size from the layers of a network.
  ///
  /// It is the grid of a quarter of the latent's side if a cross-attention layer outside the middle block has this
  /// grid; otherwise it is the coarsest grid of these layers. A side that is not divisible by four is rounded up, as
  /// by convolutions with padding, or down, as by convolutions without.
  ///
  /// - Throws: `InputError` of kind `unsupported` if no layer outside the middle block has cross-attention.
  package init(forLatentOf height: Int, by width: Int, sites: some Sequence<AttentionSite>) throws {
    let grids = sites.filter(Self.counts).map { LocalBlendGrid(height: $0.height, width: $0.width) }
    let quarters = [3, 0].map { LocalBlendGrid(height: (height + $0) / 4, width: (width + $0) / 4) }
    guard let grid = quarters.first(where: grids.contains) ?? grids.min(by: { $0.count < $1.count }) else {
      throw InputError(
        .unsupported,
        "A local blend needs cross-attention in the network's down or up blocks, but this network has none. Remove the blend."
      )
    }
    self = grid
  }

  /// Selects the grid of the layers with the given width at the model's own size.
  ///
  /// - Throws: `InputError` of kind `mismatch` with the available widths.
  package init(width: Int, sites: some Sequence<AttentionSite>) throws {
    let sites = sites.filter(Self.counts)
    guard let site = sites.first(where: { $0.nominalWidth == width }) else {
      let widths = Set(sites.map(\.nominalWidth)).sorted().map(String.init).joined(separator: ", ")
      throw InputError(
        .mismatch,
        "The network has no attention maps of width \(width) for a local blend. Available widths: \(widths).")
    }
    self.init(height: site.height, width: site.width)
  }

  /// Whether the maps of a layer are collected.
  package func includes(_ site: AttentionSite) -> Bool {
    Self.counts(site) && site.height == height && site.width == width
  }

  private static func counts(_ site: AttentionSite) -> Bool { site.isCross && site.place != .mid }
}
