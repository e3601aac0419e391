/// Which part of a picture a model works on, and at what size.
///
///     options.framing = .auto                                                  // the photo's proportion
///     options.framing = Framing(.pixels(PixelSize(width: 768, height: 512)))   // the middle of that proportion
///     options.framing = Framing(.square, fit: true)                            // the whole photo, filled up
public struct Framing: Sendable, Hashable {
  /// The size of the picture that the model sees.
  public enum Size: Sendable, Hashable {
    /// The size that the model was trained on: a square as a rule.
    case square
    /// About as many pixels, in about the proportion of the picture.
    case auto
    /// A size whose sides are multiples of the model's unit (``ModelConfiguration/sizeUnit``).
    case pixels(PixelSize)
  }

  /// The size of the picture that the model sees.
  public var size: Size

  /// The part of the upright picture that is used, in its pixels; nil for all of it.
  public var crop: PixelRect?

  /// Whether all of the part is shown, and what it does not fill repeats its edge; otherwise the middle of it is shown,
  /// as much as has the proportion of `size`.
  public var fit: Bool

  /// A framing; the default is the published one, the middle of the picture at the model's own size.
  public init(_ size: Size = .square, crop: PixelRect? = nil, fit: Bool = false) {
    self.size = size
    self.crop = crop
    self.fit = fit
  }

  /// The middle of the picture at the size that the model was trained on, as published.
  public static let square = Framing()

  /// The picture in about its own proportion.
  public static let auto = Framing(.auto)
}

extension Framing.Size: LosslessStringConvertible {
  /// `square`, `auto`, or a size as in `768x512`.
  public var description: String {
    switch self {
    case .square: "square"
    case .auto: "auto"
    case .pixels(let size): size.description
    }
  }

  /// A size from its description; nil if it is none.
  public init?(_ description: String) {
    switch description {
    case "square": self = .square
    case "auto": self = .auto
    default:
      guard let size = PixelSize(description) else { return nil }
      self = .pixels(size)
    }
  }
}

extension Framing: CustomStringConvertible {
  /// As in "size auto, crop 10,20,300,200, fit".
  public var description: String {
    ["size \(size)", crop.map { "crop \($0)" }, fit ? "fit" : nil].compactMap(\.self).joined(separator: ", ")
  }
}
