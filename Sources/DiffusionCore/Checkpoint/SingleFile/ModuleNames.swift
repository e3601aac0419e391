/// The number of modules that are numbered from 0 below a path.
///
/// - Parameters:
///   - tensor: one that each of them has.
///   - contains: whether there is a tensor of this name.
func moduleCount(_ path: String, _ tensor: String, _ contains: (String) -> Bool) -> Int {
  (0...).first { !contains("\(path).\($0).\(tensor)") } ?? 0
}

/// What the modules of a network are called in a file and in the layout of diffusers.
///
/// A module is the beginning of the names of some tensors, up to a dot.
struct ModuleNames: TensorNaming {
  /// From the names in the file to those of diffusers.
  private(set) var names: [String: String] = [:]

  /// Adds a module.
  mutating func add(_ name: String, as diffusersName: String) { names[name] = diffusersName }

  /// Adds a module whose own modules have other names too.
  mutating func add(_ name: String, as diffusersName: String, renaming modules: KeyValuePairs<String, String>)
  {
    for (module, newName) in modules { add("\(name).\(module)", as: "\(diffusersName).\(newName)") }
  }

  /// From the names of diffusers to those in the file.
  var inverse: ModuleNames {
    ModuleNames(names: Dictionary(names.map { ($1, $0) }) { first, _ in first })
  }

  /// The other name of a tensor, by its longest module that is known; nil if none is.
  func newName(of tensor: String) -> String? {
    var end = tensor.endIndex
    while let dot = tensor[..<end].lastIndex(of: ".") {
      if let name = names[String(tensor[..<dot])] { return name + tensor[dot...] }
      end = dot
    }
    return nil
  }

  func views(of name: String, shape: [Int]) -> [TensorView] {
    newName(of: name).map { [TensorView(name: $0, shape: shape)] } ?? []
  }
}
