public import Foundation

/// The files of one inversion: where the result is written, and where it is kept while it is under way.
///
///     let files = InversionFiles(result: URL(filePath: "cat.nti"))
///     try await editor.invert(image: photo, caption: caption, files: files)
public struct InversionFiles: Sendable, Hashable {
  /// Where the finished inversion is written; nil to write none.
  public var result: URL?

  /// Where the inversion is kept while it is under way, after each step; nil to keep none.
  ///
  /// If an unfinished inversion of the same picture, caption, model and options is there, the work goes on from it and ends
  /// with the same bytes. The file is removed when the work is done.
  public var partial: URL?

  /// Whether a finished inversion in `result` that was made from the same arguments is returned as it is; otherwise it is
  /// made again and replaced.
  public var reusesResult: Bool

  /// A result, kept beside it with the extension `partial` while it is under way.
  public init(result: URL, reusesResult: Bool = false) {
    self.init(
      result: result, partial: result.appendingPathExtension("partial"), reusesResult: reusesResult)
  }

  /// Files of one's choice.
  public init(result: URL?, partial: URL?, reusesResult: Bool = false) {
    self.result = result
    self.partial = partial
    self.reusesResult = reusesResult
  }
}
