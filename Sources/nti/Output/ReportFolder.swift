internal import EditEvaluation
internal import Foundation

/// The folder of a report on an inversion.
struct ReportFolder {
  let path: String

  /// - Throws: `UsageError` if nothing can be written there, or files of the report's names are there that are not this
  ///   program's.
  init(_ path: String, _ overwrite: OverwriteOption) throws {
    self.path = path
    _ = try OutputFolder(checking: path)
    for name in InversionReport.fileNames where FileManager.default.fileExists(atPath: file(name).path) {
      _ = try OutputFile(file(name).path, overwrite)
    }
  }

  /// Writes a report, and a mark into each of its files.
  func write(_ report: InversionReport, _ pictures: ReportPictures) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for (name, data) in try report.files(pictures) { try file(name).write(data) }
  }

  private func file(_ name: String) -> OutputFile {
    OutputFile(unchecked: (path as NSString).appendingPathComponent(name))
  }
}
