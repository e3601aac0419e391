internal import DiffusionCore
internal import Foundation
internal import NullTextInversion

/// A picture's size, and the recipe that made it if it was an edit.
struct PictureContents: Encodable {
  let kind = "picture"
  let path: String
  let width: Int
  let height: Int
  /// As it stands in the file.
  let recipe: String?

  static func isPicture(_ path: String) throws -> Bool {
    let start = try InputFile(URL(fileURLWithPath: path)).prefix(PictureFormat.magicLength)
    return PictureFormat(of: [UInt8](start)) != nil
  }

  init(_ path: String) throws {
    self.path = path
    let url = URL(fileURLWithPath: path)
    let image = try RGBImage(contentsOf: url)
    width = image.width
    height = image.height
    recipe = RGBImage.pngText(in: try InputFile(url).contents())[EditRecipe.textKey]
  }

  var text: String {
    var table = FactTable()
    table.add("size", "\(width) x \(height) pixels")
    table.add("recipe", recipe ?? "none")
    return "\(path): a picture\n\(table.text)"
  }
}
