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
  ///   - overwrite: whether it may take the place of a file that is not this program's own.
  ///   - inputs: files that it must not replace.
  /// - Throws: `UsageError` if the place cannot be written or is taken.
  init(_ path: String, _ overwrite: OverwriteOption, sparing inputs: [String] = []) throws {
    self.path = path
    guard path != "-" else {
      throw UsageError("Files are not written to standard output; name one with -o.")
    }
    let target = url.resolvingSymlinksInPath().path
    for input in inputs where URL(fileURLWithPath: input).resolvingSymlinksInPath().path == target {
      throw UsageError("\(self.path) is the input; name another file for the result with -o.")
    }
    try UsageError.catching { try AtomicFile.checkWritable(url) }
    guard overwrite.force || !FileManager.default.fileExists(atPath: path) || isOwn else {
      throw UsageError(
        "\(path) is there already, and nti did not write it, or it was changed since. Name another file, or replace "
          + "it with --force.")
    }
  }

  /// A file in a folder that has been checked.
  init(unchecked path: String) { self.path = path }

  /// A picture, whose name must say a format.
  static func picture(
    _ path: String, _ overwrite: OverwriteOption, sparing inputs: [String] = []
  ) throws -> OutputFile {
    let file = try OutputFile(path, overwrite, sparing: inputs)
    try UsageError.catching { _ = try RGBImage.checkFormat(of: file.url) }
    return file
  }

  /// Whether what is there is this program's own, untouched.
  private var isOwn: Bool {
    (try? InputFile(url).contents()).map(FileMark.isUntouched) ?? false
  }

  /// Writes a picture that carries `texts`.
  func write(_ image: RGBImage, texts: [String: String] = [:]) throws {
    switch try RGBImage.checkFormat(of: url) {
    case .png: try write(image.pngData(text: texts))
    default: try write(image.jpegData(text: texts))
    }
  }

  /// Writes JSON of several lines.
  func write(json: String) throws { try write(Data((json + "\n").utf8)) }

  /// Writes bytes, with a mark.
  func write(_ data: Data) throws { try AtomicFile.write(FileMark.marking(data), to: url) }
}

extension String {
  /// The path with another extension, in the same folder.
  func replacingPathExtension(with ending: String) -> String {
    let stem = (self as NSString).deletingPathExtension
    return "\(stem.isEmpty ? self : stem).\(ending)"
  }

  /// The path with a number before its extension: `cat.edit-2.png`.
  func numberedPath(_ number: Int) -> String {
    let path = self as NSString
    return "\(path.deletingPathExtension)-\(number).\(path.pathExtension)"
  }

  /// The path itself, or the first numbered one at which all `names` are free.
  func firstFreePath(_ names: (String) -> [String] = { [$0] }) -> String {
    var (path, number) = (self, 1)
    while names(path).contains(where: { FileManager.default.fileExists(atPath: $0) }) {
      number += 1
      path = numberedPath(number)
    }
    return path
  }
}
