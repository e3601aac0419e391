internal import DiffusionCore
public import Foundation

extension InversionReport {
  /// The names of the files that `write(to:pictures:)` writes.
  public static let fileNames =
    ["report.json", "losses.svg"] + ["photo", "autoencoder", "ddim", "reconstruction"].map { "\($0).png" }

  /// Writes the report into a folder, which is made if it is not there: `report.json`, `losses.svg` and the pictures
  /// `photo.png`, `autoencoder.png`, `ddim.png` and `reconstruction.png`.
  ///
  /// - Throws: `InputError(.unwritable)`.
  public func write(to folder: URL, pictures: ReportPictures) throws {
    try OutputFolder.make(folder)
    for (name, data) in try files(pictures) { try AtomicFile.write(data, to: folder.appending(path: name)) }
  }

  /// The bytes of each file.
  package func files(_ pictures: ReportPictures) throws -> [(name: String, data: Data)] {
    try [("report.json", json()), ("losses.svg", Data(LossChart(self).svg.utf8))]
      + pictures.named.map { name, picture in ("\(name).png", try picture.pngData()) }
  }

  /// What `report.json` holds: keys sorted, numbers that JSON does not know as the strings "inf" and "nan".
  public func json() throws -> Data { try ResultJSON.data(of: self) }
}
