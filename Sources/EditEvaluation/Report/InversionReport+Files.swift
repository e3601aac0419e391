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
    try AtomicFile.write(try json(), to: folder.appending(path: "report.json"))
    try AtomicFile.write(Data(LossChart(self).svg.utf8), to: folder.appending(path: "losses.svg"))
    for (name, picture) in pictures.named { try picture.write(to: folder.appending(path: "\(name).png")) }
  }

  /// What `report.json` holds: keys sorted, numbers that JSON does not know as the strings "inf" and "nan".
  public func json() throws -> Data { try ResultJSON.data(of: self) }
}
