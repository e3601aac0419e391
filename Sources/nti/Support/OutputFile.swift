internal import DiffusionCore
internal import Foundation
internal import NullTextInversion

/// A file that a command is to write, checked before the work begins.
struct OutputFile {
  /// As the user wrote it, or as it follows from an input's path.
  let path: String

  var url: URL { URL(fileURLWithPath: path) }

  /// - Parameters:
  ///   - path: where it is to go.
  ///   - inputs: files that it must not replace.
  /// - Throws: `UsageError` if the place cannot be written.
  init(_ path: String, sparing inputs: [String] = []) throws {
    self.path = path
    let target = url.resolvingSymlinksInPath().path
    for input in inputs where URL(fileURLWithPath: input).resolvingSymlinksInPath().path == target {
      throw UsageError("\(self.path) is the input; name another file for the result with -o.")
    }
    try UsageError.catching { try AtomicFile.checkWritable(url) }
  }

  /// A file in a folder that has been checked.
  init(unchecked path: String) { self.path = path }

  /// A picture, whose name must say a format.
  static func picture(_ path: String, sparing inputs: [String] = []) throws -> OutputFile {
    let file = try OutputFile(path, sparing: inputs)
    try UsageError.catching { _ = try RGBImage.checkFormat(of: file.url) }
    return file
  }

  /// Writes a picture; a PNG carries `texts`.
  func write(_ image: RGBImage, texts: [String: String] = [:]) throws {
    if case .png = try RGBImage.checkFormat(of: url) {
      try AtomicFile.write(image.pngData(text: texts), to: url)
    } else {
      try image.write(to: url)
    }
  }
}

extension String {
  /// The path with another extension, in the same folder.
  func replacingPathExtension(with ending: String) -> String {
    let stem = (self as NSString).deletingPathExtension
    return "\(stem.isEmpty ? self : stem).\(ending)"
  }
}
