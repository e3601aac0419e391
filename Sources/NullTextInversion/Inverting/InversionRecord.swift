package import Foundation

/// A summary of an inversion file, finished or not.
package struct InversionRecord {
  /// The arguments of the inversion.
  package let arguments: InversionArguments
  /// The number of pivots in the file, without the encoded image.
  package let pivotCount: Int
  /// The number of finished guided steps in the file.
  package let stepCount: Int

  /// Reads the summary of a file.
  ///
  /// - Throws: `InputError` if the file is missing or not an inversion.
  package init(contentsOf url: URL) throws {
    let inversion = try InversionReader(url).unfinished().inversion
    arguments = InversionArguments(of: inversion)
    pivotCount = inversion.pivots.count - 1
    stepCount = inversion.nullEmbeddings.count
  }
}
