internal import Foundation
internal import NullTextInversion

/// The files that an edit writes, checked when this is made.
struct EditFiles {
  /// One for each prompt.
  let outputs: [OutputFile]
  var mask: OutputFile?
  var recipe: OutputFile?
  var inversion: OutputFile?

  init(_ command: Edit, count: Int) throws {
    let inputs = [command.inversion, command.settings.mask].compactMap(\.self)
    let path = command.output ?? command.inversion.replacingPathExtension(with: "edit.png")
    let ending = (path as NSString).pathExtension
    outputs = try (1...count).map { number in
      try .picture(
        count == 1 ? path : path.replacingPathExtension(with: "\(number).\(ending)"), sparing: inputs)
    }
    let taken = inputs + outputs.map(\.path)
    if let path = command.saveMask { mask = try .picture(path, sparing: taken) }
    if let path = command.saveInversion { inversion = try OutputFile(path, sparing: taken) }
    if let path = command.saveRecipe { recipe = try OutputFile(path, sparing: taken) }
  }

  func write(sheet: RGBImage, _ recipes: [EditRecipe]) throws {
    try outputs[0].write(sheet, texts: [EditRecipe.textKey: JSONText.line(recipes)])
  }

  func write(_ images: [RGBImage], _ recipes: [EditRecipe], _ first: EditedImage) throws {
    for (output, (image, recipe)) in zip(outputs, zip(images, recipes)) {
      try output.write(image, texts: [EditRecipe.textKey: JSONText.line(recipe)])
    }
    if let recipe { try AtomicFile.write(Data((JSONText.indented(recipes[0]) + "\n").utf8), to: recipe.url) }
    if let inversion { try first.inverted.inversion.write(to: inversion.url) }
    if let mask, let found = first.mask { try mask.write(found.picture) }
  }
}
