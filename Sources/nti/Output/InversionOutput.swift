internal import DiffusionCore
internal import Foundation
internal import NullTextInversion

/// The file of an inversion, which may hold hours of work: only an inversion of the same picture and caption replaces it.
extension OutputFile {
  /// Checks a file that the user named.
  ///
  /// - Parameters:
  ///   - path: The path of the file.
  ///   - overwrite: Whether the file may replace another.
  ///   - arguments: The arguments of the new inversion.
  ///   - inputs: Files that must not be replaced.
  /// - Throws: `UsageError` if the file cannot be written, or is something else and must not be replaced.
  init(
    inversion path: String, _ overwrite: OverwriteOption, of arguments: InversionArguments,
    sparing inputs: [String] = []
  ) throws {
    try self.init(path, OverwriteOption.always, sparing: inputs)
    guard !overwrite.force, FileManager.default.fileExists(atPath: path) else { return }
    guard let old = try? InversionArguments(of: Inversion(contentsOf: url)) else {
      throw UsageError(
        "\(path) already exists and is not a finished inversion. Name another file with -o, or replace it with --force."
      )
    }
    let caption =
      old.caption == arguments.caption ? nil : "the picture with another caption (\"\(old.caption)\")"
    if let difference = old.pictureDifference(from: arguments) ?? caption {
      throw UsageError(
        "\(path) is the inversion of \(difference). Name another file with -o, or replace it with --force.")
    }
  }

  /// Returns the default file next to a photo, as in `cat.jpg.nti`.
  ///
  /// The name is numbered if a finished or unfinished inversion with other arguments, or another file, has it.
  ///
  /// - Parameters:
  ///   - photo: The path of the photo.
  ///   - arguments: The arguments of the new inversion.
  ///   - others: The paths of other jobs, which are not available.
  static func inversion(
    beside photo: String, of arguments: InversionArguments, sparing others: [String] = []
  ) throws -> OutputFile {
    func isTaken(_ path: String) -> Bool {
      guard !others.contains(path) else { return true }
      guard FileManager.default.fileExists(atPath: path) else { return false }
      guard let old = try? InversionRecord(contentsOf: URL(fileURLWithPath: path)) else { return true }
      return old.arguments.difference(from: arguments) != nil
    }
    var (path, number) = (photo + ".nti", 1)
    while isTaken(path) || isTaken(path + ".partial") {
      number += 1
      path = (photo + ".nti").numberedPath(number)
    }
    return try OutputFile(path, .always, sparing: [photo])
  }
}
