internal import EditEvaluation
internal import Foundation

/// The folder of a report on an inversion.
struct ReportFolder {
  let path: String

  /// Checks that a report can be written to a folder.
  ///
  /// - Throws: `UsageError` if the folder cannot be written, or has files with the report's names that `nti` did not
  ///   write.
  init(_ path: String, _ overwrite: OverwriteOption) throws {
    self.path = path
    _ = try OutputFolder(checking: path)
    for name in InversionReport.fileNames where FileManager.default.fileExists(atPath: file(name).path) {
      _ = try OutputFile(file(name).path, overwrite)
    }
  }

  /// Writes the files of a report, each with a mark.
  func write(_ report: InversionReport, _ pictures: ReportPictures) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for (name, data) in try report.files(pictures) { try file(name).write(data) }
  }

  private func file(_ name: String) -> OutputFile {
    OutputFile(unchecked: (path as NSString).appendingPathComponent(name))
  }
}
