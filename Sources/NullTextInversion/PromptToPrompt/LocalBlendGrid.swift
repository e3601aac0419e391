/// The size of the attention maps that a local blend gathers.
package struct LocalBlendGrid: Sendable, Hashable {
  /// The height of the maps.
  package let height: Int

  /// The width of the maps.
  package let width: Int

  /// The number of positions.
  package var count: Int { height * width }

  /// A grid of a given size.
  package init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }

  /// The grid for latents of a given size, among the layers of a network.
  ///
  /// A quarter of the latent's side, if the network attends to words there on the way down or up, otherwise the
  /// coarsest grid where it does. A side that four does not divide is rounded up, as convolutions with padding do,
  /// or down, as those without do. The middle block never counts.
  ///
  /// - Throws: `InputError` of kind `unsupported` if only the middle block, or nothing, attends to words.
  package init(forLatentOf height: Int, by width: Int, sites: some Sequence<AttentionSite>) throws {
    let grids = sites.filter(Self.counts).map { LocalBlendGrid(height: $0.height, width: $0.width) }
    let quarters = [3, 0].map { LocalBlendGrid(height: (height + $0) / 4, width: (width + $0) / 4) }
    guard let grid = quarters.first(where: grids.contains) ?? grids.min(by: { $0.count < $1.count }) else {
      throw InputError(
        .unsupported,
        "A local blend needs cross-attention on the network's way down or up, but this one has none; leave the blend out."
      )
    }
    self = grid
  }

  /// The grid of the layers that are of a given width at the model's own size.
  ///
  /// - Throws: `InputError` of kind `mismatch` with the widths that there are.
  package init(width: Int, sites: some Sequence<AttentionSite>) throws {
    let sites = sites.filter(Self.counts)
    guard let site = sites.first(where: { $0.nominalWidth == width }) else {
      let widths = Set(sites.map(\.nominalWidth)).sorted().map(String.init).joined(separator: ", ")
      throw InputError(
        .mismatch, "A local blend on maps \(width) wide is asked for; this network's are \(widths) wide.")
    }
    self.init(height: site.height, width: site.width)
  }

  /// Whether the maps of a layer are gathered.
  package func includes(_ site: AttentionSite) -> Bool {
    Self.counts(site) && site.height == height && site.width == width
  }

  private static func counts(_ site: AttentionSite) -> Bool { site.isCross && site.place != .mid }
}
