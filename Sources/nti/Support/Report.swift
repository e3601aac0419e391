internal import Foundation
internal import NullTextInversion

/// What a command has to say to programs: the last line on standard output, as JSON with sorted keys.
///
/// What does not apply to a command is left out.
struct Report: Encodable {
  /// Wall-clock time of the whole command.
  var seconds: Double
  /// Evaluations of the network in this process.
  var evaluations: EvaluationCount?

  /// Of the inversion: its reconstruction against the photo as the model sees it, in dB.
  var psnr: Double?
  /// The same of the autoencoder alone.
  var psnrBound: Double?
  /// The demo's reconstruction without any optimisation.
  var psnrDDIM: Double?
  /// Inner iterations of all steps of the inversion together.
  var innerSteps: Int?

  /// The inversion file that was written.
  var inversion: String?
  /// The folder that the report on an inversion was written to.
  var reportFolder: String?
  /// How many steps a budget ended before they were done.
  var stepsCutShort: Int?
  /// The picture that was written.
  var output: String?
  /// The single pictures that the demo wrote.
  var pictures: [String]?
  /// The mask that was written.
  var mask: String?
  /// The recipe file that was written.
  var recipeFile: String?
  /// How `output` was made.
  var recipe: EditRecipe?
  /// How the cells of a contact sheet were made, row by row.
  var recipes: [EditRecipe]?
  /// The contact sheet of variants.
  var sheet: String?
  /// What can be measured of each variant, in the order of `pictures`.
  var scores: [EditScore]?
  /// Of the noise that a picture was generated from.
  var seed: UInt64?

  init(seconds: Double, evaluations: EvaluationCount? = nil) {
    self.seconds = seconds
    self.evaluations = evaluations
  }

  /// A report that tells about an inversion.
  init(seconds: Double, evaluations: EvaluationCount?, about inversion: Inversion) {
    self.init(seconds: seconds, evaluations: evaluations)
    // JSON has no infinity; equal pictures have one.
    psnr = inversion.psnr.isFinite ? inversion.psnr : nil
    psnrBound = inversion.psnrBound.isFinite ? inversion.psnrBound : nil
    innerSteps = inversion.innerSteps.reduce(0, +)
  }

  func json() throws -> String { try JSONText.line(self) }
}

/// JSON as this program writes it: keys sorted, so that the same content is the same text.
enum JSONText {
  /// In one line.
  static func line(_ value: some Encodable) throws -> String { try encode(value, []) }

  /// In several, for files that people read.
  static func indented(_ value: some Encodable) throws -> String { try encode(value, .prettyPrinted) }

  private static func encode(_ value: some Encodable, _ formatting: JSONEncoder.OutputFormatting) throws
    -> String
  {
    let encoder = JSONEncoder()
    encoder.outputFormatting = formatting.union([.sortedKeys, .withoutEscapingSlashes])
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
