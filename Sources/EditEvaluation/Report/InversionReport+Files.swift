internal import DiffusionCore
public import Foundation

extension InversionReport {
  /// The names of the files that `write(to:pictures:)` writes.
  public static let fileNames =
    ["report.json", "losses.svg"] + ["photo", "autoencoder", "ddim", "reconstruction"].map { "\($0).png" }

  /// Writes the report to a folder, which is created if needed.
  ///
  /// The files are `report.json`, `losses.svg`, `photo.png`, `autoencoder.png`, `ddim.png` and `reconstruction.png`.
  ///
  /// - Throws: `InputError(.unwritable)` if a file cannot be written.
  public func write(to folder: URL, pictures: ReportPictures) throws {
    try OutputFolder.make(folder)
    for (name, data) in try files(pictures) { try AtomicFile.write(data, to: folder.appending(path: name)) }
  }

  /// Returns the name and the bytes of each file.
  package func files(_ pictures: ReportPictures) throws -> [(name: String, data: Data)] {
    try [("report.json", json()), ("losses.svg", Data(LossChart(self).svg.utf8))]
      + pictures.named.map { name, picture in ("\(name).png", try picture.pngData()) }
  }

  /// Returns the content of `report.json`, with sorted keys and with the strings "inf" and "nan" for non-finite numbers.
  public func json() throws -> Data { try ResultJSON.data(of: self) }
}
