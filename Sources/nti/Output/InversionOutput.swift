internal import DiffusionCore
internal import Foundation
internal import NullTextInversion

/// The file of an inversion: hours of work, which only an inversion of the same picture and caption may replace.
extension OutputFile {
  /// The file that the user names.
  ///
  /// - Throws: `UsageError` if something else is there, unless it may be replaced.
  init(
    inversion path: String, _ overwrite: OverwriteOption, of arguments: InversionArguments,
    sparing inputs: [String] = []
  ) throws {
    try self.init(path, OverwriteOption.always, sparing: inputs)
    guard !overwrite.force, FileManager.default.fileExists(atPath: path) else { return }
    guard let old = try? InversionArguments(of: Inversion(contentsOf: url)) else {
      throw UsageError(
        "\(path) is there already, and is no finished inversion. Name another file with -o, or replace it with --force."
      )
    }
    let caption = old.caption == arguments.caption ? nil : "another caption (\"\(old.caption)\")"
    if let difference = old.pictureDifference(from: arguments) ?? caption {
      throw UsageError(
        "\(path) is the inversion of \(difference). Name another file with -o, or replace it with --force.")
    }
  }

  /// The file beside a photo, `cat.jpg.nti`: numbered if the inversion there, finished or not, has other arguments.
  ///
  /// - Parameter others: names that are spoken for.
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
