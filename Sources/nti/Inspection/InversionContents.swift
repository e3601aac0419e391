internal import DiffusionCore
internal import Foundation
internal import NullTextInversion
internal import Tensor

/// The description of a finished or unfinished inversion file.
struct InversionContents: Contents {
  let kind = "inversion"
  let path: String
  let metadata: [String: String]
  /// The shape of each array.
  let arrays: [String: [Int]]
  /// The last measured loss of each step, noisiest first.
  let losses: [Float]
  /// The number of inner iterations of each step.
  let innerSteps: [Int]
  /// Whether all steps are done.
  let isComplete: Bool

  /// - Throws: `InputError` if the file is damaged.
  init(_ path: String, _ file: SafetensorsFile) throws {
    self.path = path
    metadata = file.metadata
    arrays = Dictionary(uniqueKeysWithValues: file.names.map { ($0, file.shape(of: $0) ?? []) })
    losses = try file.tensor(named: "losses").scalars.map { $0.isFinite ? $0 : 0 }
    innerSteps = try file.tensor(named: "inner_steps").scalars.map { Int(exactly: $0) ?? 0 }
    let steps = metadata["steps"].flatMap(Int.init)
    isComplete = arrays["trajectory"]?.first == steps.map { $0 + 1 }
  }

  var text: String {
    var table = FactTable()
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }) where key != "format" {
      table.add(key.replacing("_", with: " "), value)
    }
    for (name, shape) in arrays.sorted(by: { $0.key < $1.key }) {
      table.add(name.replacing("_", with: " "), shape.map(String.init).joined(separator: " x "))
    }
    if let first = losses.first, let last = losses.last, let worst = losses.max() {
      let numbers = [first, last, worst].map { Format.scientific(Double($0)) }
      table.add("loss", "\(numbers[0]) in the first step, \(numbers[1]) in the last, maximum \(numbers[2])")
    }
    table.add(
      "inner iterations", "\(innerSteps.reduce(0, +)) in total, at most \(innerSteps.max() ?? 0) per step")
    return "\(path): \(isComplete ? "an inversion" : "an unfinished inversion")\n\(table.text)"
  }
}
