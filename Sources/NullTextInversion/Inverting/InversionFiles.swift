public import Foundation

/// The files of an inversion: the result, and the unfinished inversion while it runs.
///
/// ```swift
/// let files = InversionFiles(result: URL(filePath: "cat.nti"))
/// let inverted = try await editor.invert(image: photo, caption: caption, files: files)
/// ```
public struct InversionFiles: Sendable, Hashable {
  /// The file of the finished inversion; nil to write none.
  public var result: URL?

  /// The file of the unfinished inversion, written after each step; nil to write none.
  ///
  /// If it contains an unfinished inversion with the same image, caption, model and options, the work continues from
  /// there and gives the same bytes. The file is removed when the inversion is finished.
  public var partial: URL?

  /// Whether a finished inversion in `result` with the same arguments is returned as it is; otherwise it is computed
  /// again and replaced.
  public var reusesResult: Bool

  /// Creates the file names for a result; the unfinished inversion has the additional extension `partial`.
  public init(result: URL, reusesResult: Bool = false) {
    self.init(
      result: result, partial: result.appendingPathExtension("partial"), reusesResult: reusesResult)
  }

  /// Creates a selection of files.
  public init(result: URL?, partial: URL?, reusesResult: Bool = false) {
    self.result = result
    self.partial = partial
    self.reusesResult = reusesResult
  }
}
