import Foundation
import NullTextInversion
import TestSupport

/// A tiny model and an image, used through the public API only.
enum SmallEditor {
  static func editor(_ name: String = "sharded", memory: MemoryLimits = MemoryLimits()) async throws
    -> ImageEditor
  {
    try await ImageEditor(model: .directory(Fixtures.url("models/\(name)")), memory: memory)
  }

  static let picture = slopesPicture

  static let caption = "a cat on the mat"

  /// Direct inversion in four steps.
  static let options: InversionOptions = {
    var options = InversionOptions(method: .direct)
    options.steps = 4
    options.guidance = 3
    return options
  }()

  static func inverted(_ name: String = "sharded", memory: MemoryLimits = MemoryLimits()) async throws
    -> InvertedImage
  {
    try await editor(name, memory: memory).invert(image: picture, caption: caption, options: options)
  }
}
