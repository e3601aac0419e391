internal import DiffusionCore
internal import Foundation
internal import NullTextInversion

/// What a picture file says of itself, and the recipe that made it if it was an edit.
struct PictureContents: Contents {
  /// A colour profile that the file has.
  struct Profile: Encodable, Equatable {
    /// Nil if it cannot be used.
    var name: String?
    /// `sRGB` if it says what is taken without one, `converted`, or `ignored`.
    let use: String
  }

  let kind = "picture"
  let path: String
  let format: String
  /// As it stands upright.
  let width: Int
  let height: Int
  let colours: ColorModel
  let hasAlpha: Bool
  /// Of a sample in the file.
  let bits: Int
  /// EXIF's number.
  let orientation: Int
  let profile: Profile?
  /// As it stands in the file.
  let recipe: String?

  /// - Throws: `InputError` if the picture cannot be read.
  init(_ path: String) throws {
    self.path = path
    let url = URL(fileURLWithPath: path)
    let (image, facts) = try RGBImage.read(url)
    format = facts.format.name
    (width, height) = (image.width, image.height)
    (colours, hasAlpha, bits) = (facts.model, facts.hasAlpha, facts.bits)
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
    table.add("format", "\(format), \(colours.rawValue)\(hasAlpha ? " with alpha" : ""), \(bits) bits")
    table.add("size", "\(width) x \(height) pixels")
    table.add("orientation", Self.turn(orientation))
    table.add("colour profile", profileText)
    table.add("recipe", recipe ?? "none")
    return "\(path): a picture\n\(table.text)"
  }

  private var profileText: String? {
    guard let profile else { return nil }
    guard let name = profile.name else { return "ignored: it is damaged, too large, or of other colours" }
    return profile.use == "sRGB" ? "\(name), which is sRGB" : "\(name), converted to sRGB"
  }

  /// What was done to stand it upright; nil if nothing was.
  private static func turn(_ orientation: Int) -> String? {
    switch ExifOrientation(rawValue: orientation) {
    case .mirrored: "mirrored"
    case .turnedHalf: "turned by half"
    case .flipped: "flipped upside down"
    case .transposed: "rows and columns exchanged"
    case .turnedClockwise: "turned clockwise"
    case .transversed: "rows and columns exchanged, turned by half"
    case .turnedCounterclockwise: "turned counterclockwise"
    case .upright, nil: nil
    }
  }
}
