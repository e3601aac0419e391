internal import DiffusionCore

/// The description of an unsupported model.
struct ForeignContents: Contents {
  let kind = "unsupported model"
  let path: String
  let name: String
  let weights: WeightSummary?

  private enum CodingKeys: String, CodingKey { case kind, path, name, weights }

  init(_ path: String, _ model: ForeignModel) {
    self.path = path
    name = model.name
    weights = model.weights
  }

  var text: String {
    var table = FactTable()
    table.add("weights", weights?.text)
    return "\(path): \(name)" + (table.text.isEmpty ? "" : "\n\(table.text)")
  }
}
