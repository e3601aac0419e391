internal import Foundation
internal import NullTextInversion

/// The JSON result of a command: the last line on standard output, with sorted keys.
///
/// Values that do not apply to a command are left out.
struct Report: Encodable {
  /// The wall-clock time of the whole command.
  var seconds: Double
  /// The network evaluations of this process.
  var evaluations: EvaluationCount?

  /// The PSNR in dB of the inversion's reconstruction against the photo as the model sees it.
  var psnr: Double?
  /// The PSNR in dB of the autoencoder alone.
  var psnrBound: Double?
  /// The PSNR in dB of the demo's reconstruction without optimization.
  var psnrDDIM: Double?
  /// The number of inner iterations in all steps of the inversion.
  var innerSteps: Int?

  /// The written inversion.
  var inversion: String?
  /// The folder of the report on an inversion.
  var reportFolder: String?
  /// The number of steps that a budget ended early.
  var stepsCutShort: Int?
  /// The written file or folder.
  var output: String?
  /// The written pictures, if there are several.
  var pictures: [String]?
  /// The written mask.
  var mask: String?
  /// The written recipe file.
  var recipeFile: String?
  /// The recipe of `output`.
  var recipe: EditRecipe?
  /// The recipes of several edits: in the order of `pictures`, or of the cells of a contact sheet, row by row.
  var recipes: [EditRecipe]?
  /// The contact sheet of variants.
  var sheet: String?
  /// The scores of the variants, in the order of `pictures`.
  var scores: [EditScore]?
  /// The seed of a generated picture.
  var seed: UInt64?

  init(seconds: Double, evaluations: EvaluationCount? = nil) {
    self.seconds = seconds
    self.evaluations = evaluations
  }

  /// Creates a report with the figures of an inversion.
  init(seconds: Double, evaluations: EvaluationCount?, about inversion: Inversion) {
    self.init(seconds: seconds, evaluations: evaluations)
    // JSON has no infinity, which is the PSNR of equal pictures.
    psnr = inversion.psnr.isFinite ? inversion.psnr : nil
    psnrBound = inversion.psnrBound.isFinite ? inversion.psnrBound : nil
    innerSteps = inversion.innerSteps.reduce(0, +)
  }

  func json() throws -> String { try JSONText.line(self) }
}

/// JSON with sorted keys, so that equal content gives equal text.
enum JSONText {
  /// Encodes a value on one line.
  static func line(_ value: some Encodable) throws -> String { try encode(value, []) }

  /// Encodes a value on several lines, for files that people read.
  static func indented(_ value: some Encodable) throws -> String { try encode(value, .prettyPrinted) }

  private static func encode(_ value: some Encodable, _ formatting: JSONEncoder.OutputFormatting) throws
    -> String
  {
    let encoder = JSONEncoder()
    encoder.outputFormatting = formatting.union([.sortedKeys, .withoutEscapingSlashes])
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
