internal import Foundation
internal import NullTextInversion

/// The files that an edit writes, checked when this is made.
struct EditFiles {
  /// One for each edit.
  let outputs: [OutputFile]
  /// All variants of an edit side by side.
  var sheet: OutputFile?
  var mask: OutputFile?
  var recipe: OutputFile?
  var inversion: OutputFile?

  /// - Parameters:
  ///   - command: names the files.
  ///   - source: what the inversion that is edited is made from.
  init(_ command: Edit, of source: InversionArguments, _ prompts: [String]) throws {
    let count = command.common.variants ?? prompts.count
    let overwrite = command.overwrite
    // The photo is read before anything is written.
    let photo = overwrite.force ? nil : command.further.pasteBack
    let inputs = [command.source, command.settings.region.mask, photo].compactMap(\.self)
    func paths(_ path: String) -> [String] {
      let ending = (path as NSString).pathExtension
      guard count > 1 else { return [path] }
      return (0..<count).map { path.replacingPathExtension(with: "\($0 + 1).\(ending)") }
    }
    let path =
      command.common.output ?? command.source.replacingPathExtension(with: "edit.png").firstFreePath(paths)
    outputs = try paths(path).map { try .picture($0, overwrite, sparing: inputs) }
    if command.common.variants != nil {
      sheet = try .picture(path.replacingPathExtension(with: "variants.png"), overwrite, sparing: inputs)
    }
    let taken = inputs + outputs.map(\.path)
    if let path = command.further.saveMask { mask = try .picture(path, overwrite, sparing: taken) }
    if let path = command.further.saveInversion {
      var arguments = source
      arguments.caption = prompts[0]
      inversion = try OutputFile(inversion: path, overwrite, of: arguments, sparing: taken)
    }
    if let path = command.further.saveRecipe { recipe = try OutputFile(path, overwrite, sparing: taken) }
  }

  /// All pictures.
  var pictures: [OutputFile] { outputs + [mask, sheet].compactMap(\.self) }

  func write(sheet: RGBImage, _ recipes: [EditRecipe]) throws {
    try outputs[0].write(sheet, texts: [EditRecipe.textKey: JSONText.line(recipes)])
  }

  func write(_ images: [RGBImage], _ recipes: [EditRecipe], _ first: EditedImage) throws {
    for (output, (image, recipe)) in zip(outputs, zip(images, recipes)) {
      try output.write(image, texts: [EditRecipe.textKey: JSONText.line(recipe)])
    }
    try recipe?.write(json: JSONText.indented(recipes[0]))
    if let inversion { try first.inverted.inversion.write(to: inversion.url) }
    if let mask, let found = first.mask { try mask.write(found.picture) }
  }
}
