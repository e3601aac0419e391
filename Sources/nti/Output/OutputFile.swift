internal import DiffusionCore
internal import Foundation
internal import NullTextInversion

/// An output file of a command, checked before the work begins.
struct OutputFile {
  /// The path as the user wrote it, or as derived from the path of an input.
  let path: String

  var url: URL { URL(fileURLWithPath: path) }

  /// Checks that a file can be written.
  ///
  /// - Parameters:
  ///   - path: The path of the file.
  ///   - overwrite: Whether it may replace a file that `nti` did not write.
  ///   - inputs: Files that must not be replaced.
  /// - Throws: `UsageError` if the file cannot be written or must not be replaced.
  init(_ path: String, _ overwrite: OverwriteOption, sparing inputs: [String] = []) throws {
    self.path = path
    guard path != "-" else {
      throw UsageError("Files cannot be written to standard output. Name a file with -o.")
    }
    let target = url.resolvingSymlinksInPath().path
    for input in inputs where URL(fileURLWithPath: input).resolvingSymlinksInPath().path == target {
      throw UsageError("\(self.path) is the input. Name another file for the result with -o.")
    }
    try UsageError.catching { try AtomicFile.checkWritable(url) }
    guard overwrite.force || !FileManager.default.fileExists(atPath: path) || isOwn else {
      throw UsageError(
        "\(path) already exists, and nti did not write it, or it was changed since. Name another file, or replace it "
          + "with --force.")
    }
  }

  /// Creates a file in a folder that has been checked.
  init(unchecked path: String) { self.path = path }

  /// Returns a checked picture file; the extension must be that of a format that can be written.
  static func picture(
    _ path: String, _ overwrite: OverwriteOption, sparing inputs: [String] = []
  ) throws -> OutputFile {
    let file = try OutputFile(path, overwrite, sparing: inputs)
    try UsageError.catching { _ = try RGBImage.checkFormat(of: file.url) }
    return file
  }

  /// Whether `nti` wrote the existing file, and it was not changed since.
  private var isOwn: Bool {
    (try? InputFile(url).contents()).map(FileMark.isUntouched) ?? false
  }

  /// Writes a picture with text entries.
  func write(_ image: RGBImage, texts: [String: String] = [:]) throws {
    switch try RGBImage.checkFormat(of: url) {
    case .png: try write(image.pngData(text: texts))
    default: try write(image.jpegData(text: texts))
    }
  }

  /// Writes JSON text, with a mark.
  func write(json: String) throws { try write(Data((json + "\n").utf8)) }

  /// Writes bytes, with a mark.
  func write(_ data: Data) throws { try AtomicFile.write(FileMark.marking(data), to: url) }
}

extension String {
  /// Returns the path with another extension.
  func replacingPathExtension(with ending: String) -> String {
    let stem = (self as NSString).deletingPathExtension
    return "\(stem.isEmpty ? self : stem).\(ending)"
  }

  /// Returns the path with a number before its extension, as in `cat.edit-2.png`.
  func numberedPath(_ number: Int) -> String {
    let path = self as NSString
    return "\(path.deletingPathExtension)-\(number).\(path.pathExtension)"
  }

  /// Returns the path, or the first numbered path, for which none of the files `names` exists.
  func firstFreePath(_ names: (String) -> [String] = { [$0] }) -> String {
    var (path, number) = (self, 1)
    while names(path).contains(where: { FileManager.default.fileExists(atPath: $0) }) {
      number += 1
      path = numberedPath(number)
    }
    return path
  }
}
