package import Foundation

/// What a file keeps of an inversion, finished or not.
package struct InversionRecord {
  /// What the inversion is made from.
  package let arguments: InversionArguments
  /// The pivots that are there, without the encoded picture.
  package let pivotCount: Int
  /// The steps that are there.
  package let stepCount: Int

  /// - Throws: `InputError` if the file is missing or no inversion.
  package init(contentsOf url: URL) throws {
    let inversion = try InversionReader(url).unfinished().inversion
    arguments = InversionArguments(of: inversion)
    pivotCount = inversion.pivots.count - 1
    stepCount = inversion.nullEmbeddings.count
  }
}
