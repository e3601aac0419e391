/// The part of a picture that a model processes, and its size.
///
/// ```swift
/// options.framing = .auto                                                  // the photo's aspect ratio
/// options.framing = Framing(.pixels(PixelSize(width: 768, height: 512)))   // the center with this aspect ratio
/// options.framing = Framing(.square, fit: true)                            // the whole photo, padded
/// ```
public struct Framing: Sendable, Hashable {
  /// A picture size for the model.
  public enum Size: Sendable, Hashable {
    /// The size that the model was trained on, usually a square.
    case square
    /// About as many pixels, with about the aspect ratio of the picture.
    case auto
    /// A size with sides that are multiples of ``ModelConfiguration/sizeUnit``.
    case pixels(PixelSize)
  }

  /// The picture size for the model.
  public var size: Size

  /// The part of the upright picture to use, in its pixels; nil for all of it.
  public var crop: PixelRect?

  /// Whether the whole part is shown, padded by repeating its edges; otherwise its center is cropped to the aspect
  /// ratio of `size`.
  public var fit: Bool

  /// Creates a framing; the default is that of the published method, the center of the picture at the model's own
  /// size.
  public init(_ size: Size = .square, crop: PixelRect? = nil, fit: Bool = false) {
    self.size = size
    self.crop = crop
    self.fit = fit
  }

  /// The center of the picture at the size the model was trained on, as in the published method.
  public static let square = Framing()

  /// The picture with about its own aspect ratio.
  public static let auto = Framing(.auto)
}

extension Framing.Size: LosslessStringConvertible {
  /// The size as text: `square`, `auto`, or pixels such as `768x512`.
  public var description: String {
    switch self {
    case .square: "square"
    case .auto: "auto"
    case .pixels(let size): size.description
    }
  }

  /// Parses a description; nil if it is not valid.
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
  /// The framing as text, such as "size auto, crop 10,20,300,200, fit".
  public var description: String {
    ["size \(size)", crop.map { "crop \($0)" }, fit ? "fit" : nil].compactMap(\.self).joined(separator: ", ")
  }
}
