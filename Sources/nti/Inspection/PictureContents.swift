internal import DiffusionCore
internal import Foundation
internal import NullTextInversion

/// The description of a picture file, with the recipe if an edit wrote it.
struct PictureContents: Contents {
  /// The color profile of a file.
  struct Profile: Encodable, Equatable {
    /// The name of the profile; nil if it cannot be used.
    var name: String?
    /// How the profile is used: `sRGB` if it needs no conversion, `converted`, or `ignored`.
    let use: String
  }

  let kind = "picture"
  let path: String
  let format: String
  /// The width of the upright picture.
  let width: Int
  /// The height of the upright picture.
  let height: Int
  let colors: ColorModel
  let hasAlpha: Bool
  /// The number of bits per sample in the file.
  let bits: Int
  /// The EXIF orientation, 1 to 8.
  let orientation: Int
  let profile: Profile?
  /// The recipe as JSON text.
  let recipe: String?

  /// - Throws: `InputError` if the picture cannot be read.
  init(_ path: String) throws {
    self.path = path
    let url = URL(fileURLWithPath: path)
    let (image, facts) = try RGBImage.read(url)
    format = facts.format.name
    (width, height) = (image.width, image.height)
    (colors, hasAlpha, bits) = (facts.model, facts.hasAlpha, facts.bits)
    orientation = facts.orientation.rawValue
    profile =
      switch facts.profile {
      case .none: nil
      case .sRGB(let name): Profile(name: name, use: "sRGB")
      case .converted(let name): Profile(name: name, use: "converted")
      case .ignored: Profile(use: "ignored")
      }
    recipe = RGBImage.text(in: try InputFile(url).contents())[EditRecipe.textKey]
  }

  var text: String {
    var table = FactTable()
    table.add("format", "\(format), \(colors.rawValue)\(hasAlpha ? " with alpha" : ""), \(bits) bits")
    table.add("size", "\(width) x \(height) pixels")
    table.add("orientation", Self.turn(orientation))
    table.add("color profile", profileText)
    table.add("recipe", recipe ?? "none")
    return "\(path): a picture\n\(table.text)"
  }

  private var profileText: String? {
    guard let profile else { return nil }
    guard let name = profile.name else {
      return "ignored: it is damaged, too large, or of another color model"
    }
    return profile.use == "sRGB" ? "\(name), which is sRGB" : "\(name), converted to sRGB"
  }

  /// Returns the transformation that makes the picture upright; nil if none is needed.
  private static func turn(_ orientation: Int) -> String? {
    switch ExifOrientation(rawValue: orientation) {
    case .mirrored: "mirrored"
    case .turnedHalf: "rotated by 180 degrees"
    case .flipped: "flipped upside down"
    case .transposed: "transposed"
    case .turnedClockwise: "rotated clockwise"
    case .transversed: "transposed and rotated by 180 degrees"
    case .turnedCounterclockwise: "rotated counterclockwise"
    case .upright, nil: nil
    }
  }
}
